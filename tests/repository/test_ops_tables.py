"""The page of the tables of OPS is that of the environment."""

from __future__ import annotations

import pytest
import yaml
from snowflake.snowpark import Session

from docs import ops_tables
from snowloop.project import load_project
from snowloop.workspace import Workspace


@pytest.fixture(scope="module")
def workspace(session: Session) -> Workspace:
    made = Workspace(session, load_project("credit_approval"), "documented")
    ops_tables.prepare(made)
    return made


def test_the_page_is_current(workspace: Workspace) -> None:
    written = ops_tables.PAGE.read_text(encoding="utf-8")

    assert ops_tables.page(workspace) == written, "run python -m docs.ops_tables"


def test_a_column_without_a_meaning_and_a_meaning_without_a_column_are_named(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, tmp_path
) -> None:
    meanings = yaml.safe_load(ops_tables.MEANINGS.read_text(encoding="utf-8"))
    meanings["tables"]["LOADS"]["columns"]["SIZE"] = meanings["tables"]["LOADS"]["columns"].pop("MD5")
    del meanings["tables"]["RUNS"]
    changed = tmp_path / "ops_tables.yaml"
    changed.write_text(yaml.safe_dump(meanings))
    monkeypatch.setattr(ops_tables, "MEANINGS", changed)

    with pytest.raises(ValueError, match=r"LOADS.MD5 has no meaning; .*LOADS.SIZE does not exist") as caught:
        ops_tables.page(workspace)

    assert "RUNS has no meaning" in str(caught.value)
