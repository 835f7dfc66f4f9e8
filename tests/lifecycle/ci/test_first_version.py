"""A change is tried where nothing serves yet: in an environment that was just created, without rows or a champion."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from snowflake.snowpark import Session

from snowloop.lifecycle.ci.base import Base
from snowloop.lifecycle.ci.markdown import markdown
from snowloop.lifecycle.ci.review import review
from snowloop.lifecycle.data.environment import create_environment
from snowloop.lifecycle.versions import versions
from tests.support.repository import METRIC, OF_X, events
from tests.support.tiny import PROJECT, tiny
from tests.support.world import World

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.fixture
def young(session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    declared = PROJECT["project.yaml"].replace("  - {name: tight, params: {c: 0.001}}\n", "")
    old = next(line for line in declared.splitlines() if line.startswith("metric:"))
    monkeypatch.setitem(PROJECT, "project.yaml", declared.replace(old, METRIC))
    monkeypatch.setitem(PROJECT, "features.sql", OF_X)
    made = World(session, tiny(tmp_path / "projects"), "young")
    create_environment(made.workspace)
    yield made
    made.rows("DROP DATABASE {db}")


def test_the_first_version_is_tried_with_the_rows_of_the_project(young: World, tmp_path: Path):
    files = tmp_path / "rows"
    files.mkdir()
    (files / "events.csv").write_text(events(300))
    found = review(young.workspace, base=Base("main", None, "main has none"), data=files)
    assert (found.outcome, found.asked, found.serving, found.difference) == ("passed", "trained", None, None), found
    assert found.version
    assert f"TINY_YOUNG has no rows yet: the trial is with the files of {files}." in found.notes
    assert "The change is not compared with a base: main has none." in found.notes
    assert "No version serves in young yet: there is nothing to compare with." in found.notes
    assert {each.name: each.outcome for each in found.checks}["NOT_WORSE_THAN_CHAMPION"] == "not_asked"
    assert markdown(found, {}).startswith("### tiny against young: the change ✅ may be merged")
    assert young.value("SELECT COUNT(*) FROM {db}.RAW.EVENTS") == 0
    assert versions(young.workspace) == []

    nothing = review(young.workspace, data=tmp_path / "none")
    assert nothing.outcome == "refused"
    assert str(tmp_path / "none") in nothing.reasons[0]
