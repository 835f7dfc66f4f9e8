"""model.py runs inside procedures alone: reading, drawing, planning and comparing a project imports nothing of it."""

from pathlib import Path

import pytest
from snowflake.snowpark import Session

from snowloop.airflow import dags
from snowloop.airflow.drawing import draw_dags
from snowloop.lifecycle.data.environment import create_environment
from snowloop.lifecycle.fingerprints import change_kind
from snowloop.lifecycle.procedure.code import model_code
from snowloop.lifecycle.scoring.deployment import plan_deployment
from snowloop.lifecycle.scoring.status import loop_status
from snowloop.project import declared_projects, load_project
from snowloop.workspace import Workspace
from tests.support.tiny import tiny


@pytest.fixture
def mark(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project next to whose model.py every module writes a file when it is imported."""
    ran = tmp_path / "ran"
    directory = tiny(tmp_path / "projects").directory
    for module in ("model.py", "helper.py", "conftest.py", "__init__.py"):
        text = (directory / module).read_text() if module == "model.py" else ""
        (directory / module).write_text(f"open({str(ran)!r}, 'a').write({module!r})\n{text}")
    monkeypatch.setenv("SNOWLOOP_PROJECTS", str(tmp_path / "projects"))
    exec((directory / "helper.py").read_text(), {})  # the mark works
    assert ran.read_text() == "helper.py"
    ran.unlink()
    return ran


def test_code_of_a_model_does_not_run_where_it_need_not(mark: Path, session: Session):
    project = load_project("tiny")
    assert "tiny" in {each.name for each in declared_projects()}
    draws = [module.draw for module in dags.KINDS]
    assert "tiny__train" in draw_dags(*draws)
    assert "open(" in str(model_code(project))
    assert change_kind(project, {}).kind == "retrain"
    workspace = Workspace.open(session, project, "quiet")
    assert "create" in plan_deployment(workspace).text()
    create_environment(workspace)
    plan_deployment(workspace).text()
    assert loop_status(workspace)
    assert not mark.exists()
