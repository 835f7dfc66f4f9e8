"""A version that serves in one target, and another target of the same account that has data and no model."""

from collections.abc import Iterator

import pytest
from snowflake.snowpark import Session

from snowloop.lifecycle.data.environment import create_environment
from snowloop.project import load_project
from snowloop.workspace import Workspace
from tests.support.copies import Copies
from tests.support.tiny import Event, insertion
from tests.support.world import World

TARGETS = """
targets:
  lab_dev: {}
  lab_staging: {}
  lab_prod: {accepts_from: [lab_staging]}
"""
ROWS = [Event(key, float(key), -float(key), "AB"[key % 2], "2026-01-01 00:00:00", key) for key in range(1, 9)]


def supplied(workspace: Workspace) -> World:
    """The environment of a target, with rows that keep the contract."""
    create_environment(workspace)
    world = World(workspace.session, workspace.project, workspace.target)
    world.rows("DELETE FROM {db}.RAW.EVENTS")
    world.rows(insertion(ROWS))
    return world


@pytest.fixture(scope="module")
def staging(session: Session, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Copies]:
    folder = tmp_path_factory.mktemp("delivery")
    made = Copies(session, folder, "lab_staging", ["GOOD", "BETTER"])
    (folder / "targets.yaml").write_text(TARGETS)
    made.project = load_project("tiny", folder)
    made.rows(insertion(ROWS))
    made.promote("GOOD")
    yield made
    made.rows("DROP DATABASE {db}")


@pytest.fixture
def prod(session: Session, staging: Copies) -> Iterator[World]:
    world = supplied(Workspace(session, staging.project.in_target("lab_prod"), "lab_prod"))
    yield world
    world.rows("DROP DATABASE {db}")
