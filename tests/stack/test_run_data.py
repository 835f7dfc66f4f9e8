"""What a run lacks is reported before Airflow and the local Snowflake are started."""

from pathlib import Path

import pytest
from rich.console import Console

from snowloop.errors import LoadError
from snowloop.lifecycle.data.data_folder import declared_roots
from snowloop.lifecycle.data.files import check_files
from snowloop.project import load_project
from stack.run import RunRequest, run
from stack.state import StackError, State, airflow_environment
from tests.support.tiny import COLUMNS, tiny


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RunRequest:
    tiny(tmp_path / "projects")
    monkeypatch.setenv("SNOWLOOP_PROJECTS", str(tmp_path / "projects"))
    (tmp_path / "data").mkdir()
    return RunRequest("tiny", "life_cycle", {"data_dir": str(tmp_path / "data")}, State(tmp_path / "state"))


def refused(request: RunRequest) -> str:
    with pytest.raises(StackError) as error:
        run(request, Console())
    assert not request.state.root.exists()
    return str(error.value)


def test_a_missing_file_a_wrong_header_and_an_unknown_project_are_reported_at_once(asked: RunRequest, tmp_path: Path):
    assert "no file matches 'events*.csv' (source events of project tiny)" in refused(asked)
    (tmp_path / "data" / "events_1.csv").write_text("ID,other\n")
    assert "events_1.csv:1: the header differs from the declared columns" in refused(asked)
    assert "no such folder" in refused(RunRequest("tiny", "train", {}, asked.state))
    assert "DATA=folder" in refused(RunRequest("tiny", "train", {}, asked.state))
    assert "tinny" in refused(RunRequest("tinny", "life_cycle", {}, asked.state))


def test_files_as_they_are_declared_and_a_generator_pass(asked: RunRequest, tmp_path: Path):
    project = load_project("tiny")
    (tmp_path / "data" / "events_1.csv").write_text(",".join(COLUMNS) + "\n")
    check_files(project, asked.conf["data_dir"])
    generator = project.data_root / "generate.py"
    generator.parent.mkdir(exist_ok=True)
    generator.write_text("raise SystemExit('not run by the check')")
    declared = project.model_copy(update={"sample": "generate.py"})
    check_files(declared, None)
    with pytest.raises(LoadError, match="this is a file"):
        check_files(project, generator)


def test_a_named_folder_is_a_root_of_the_stack_and_those_of_before_stay(asked: RunRequest, tmp_path: Path):
    state = asked.state.prepare()
    for folder in ("a", "b", "a"):
        state.add_data_root(tmp_path / folder)
    environment = airflow_environment(state, "{}", tmp_path / "ca")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SNOWLOOP_DATA_ROOTS", environment["SNOWLOOP_DATA_ROOTS"])
        roots = declared_roots(load_project("tiny"))
    assert roots == (tmp_path / "data", tmp_path / "a", tmp_path / "b")
