"""From which checkout the command line changes a target: branch, detached commits of CI, and changes."""

import subprocess
from pathlib import Path

import pytest
from typer.testing import CliRunner

from snowloop.cli.checkout import check_checkout
from snowloop.cli.main import app
from snowloop.errors import TargetRefused
from snowloop.project import Project, load_project
from tests.support.tiny import tiny

TARGETS = """
targets:
  dev: {}
  staging: {branch: main}
  prod: {branch: main, mode: production}
"""


def git(folder: Path, *command: str) -> None:
    identity = ("-c", "user.name=test", "-c", "user.email=test@example.com")
    subprocess.run(["git", *identity, *command], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def checkout(tmp_path: Path) -> Project:
    tiny(tmp_path / "projects")
    (tmp_path / "targets.yaml").write_text(TARGETS)
    git(tmp_path, "init", "-b", "main")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-m", "first")
    return load_project("tiny", tmp_path / "projects")


def refusal(project: Project, target: str) -> str | None:
    try:
        check_checkout(project, target)
    except TargetRefused as refused:
        return str(refused)
    return None


def test_a_clean_checkout_of_the_branch_changes_every_target(checkout: Project):
    assert [refusal(checkout, target) for target in ("dev", "staging", "prod")] == [None, None, None]


def test_another_branch_changes_only_what_names_none(checkout: Project, tmp_path: Path):
    git(tmp_path, "checkout", "-b", "idea")
    assert refusal(checkout, "dev") is None
    assert "is changed only from branch main, this is idea: merge" in str(refusal(checkout, "staging"))
    assert "is changed only from branch main, this is idea: merge" in str(refusal(checkout, "prod"))


def test_a_detached_head_counts_as_the_branch_that_points_to_it(checkout: Project, tmp_path: Path):
    git(tmp_path, "checkout", "--detach")
    assert refusal(checkout, "prod") is None
    (tmp_path / "notes").write_text("x")
    git(tmp_path, "add", "notes")
    git(tmp_path, "commit", "-m", "second")
    assert "this is the commit" in str(refusal(checkout, "prod"))


def test_production_wants_everything_committed(checkout: Project, tmp_path: Path):
    (tmp_path / "plan.json").write_text("{}")  # what a step of CI leaves
    assert refusal(checkout, "prod") is None
    (tmp_path / "projects" / "tiny" / "more.sql").write_text("SELECT 1")
    assert "not everything here is committed: ?? projects/tiny/more.sql" in str(refusal(checkout, "prod"))
    (tmp_path / "projects" / "tiny" / "more.sql").unlink()
    (tmp_path / "targets.yaml").write_text(f"{TARGETS}# edited\n")
    assert "M targets.yaml" in str(refusal(checkout, "prod"))
    assert refusal(checkout, "staging") is None


def test_production_wants_everything_committed_also_with_the_targets_in_another_place(
    checkout: Project, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
):
    named = tmp_path_factory.mktemp("named") / "targets.yaml"
    named.write_text(TARGETS)
    monkeypatch.setenv("SNOWLOOP_TARGETS", str(named))
    project = load_project("tiny", tmp_path / "projects")
    assert refusal(project, "prod") is None
    (tmp_path / "projects" / "tiny" / "more.sql").write_text("SELECT 1")
    assert "not everything here is committed: ?? projects/tiny/more.sql" in str(refusal(project, "prod"))


def test_a_module_that_git_ignores_is_deployed_and_therefore_refused(checkout: Project, tmp_path: Path):
    (tmp_path / ".gitignore").write_text("__pycache__/\n*_made.py\n*.csv\n")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-m", "second")
    (tmp_path / "projects" / "tiny" / "__pycache__").mkdir()
    (tmp_path / "projects" / "tiny" / "__pycache__" / "model.pyc").write_text("")
    (tmp_path / "projects" / "tiny" / "notes.csv").write_text("")
    assert refusal(checkout, "prod") is None
    (tmp_path / "projects" / "tiny" / "encoders_made.py").write_text("RATE = 1")
    assert "not everything here is committed: !! projects/tiny/encoders_made.py" in str(refusal(checkout, "prod"))


def test_what_git_cannot_say_is_not_taken_for_clean(checkout: Project, tmp_path: Path):
    (tmp_path / ".git" / "index").write_bytes(b"broken")
    assert "git does not say whether everything here is committed: run `git status` in" in str(
        refusal(checkout, "prod")
    )


def test_no_repository_is_refused(tmp_path: Path):
    tiny(tmp_path / "projects")
    (tmp_path / "targets.yaml").write_text(TARGETS)
    assert "is in no git repository" in str(refusal(load_project("tiny", tmp_path / "projects"), "prod"))


@pytest.mark.parametrize("command", ["apply", "environment", "train"])
def test_commands_that_deploy_are_refused_before_they_connect(
    checkout: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str
):
    git(tmp_path, "checkout", "-b", "idea")
    monkeypatch.setenv("SNOWLOOP_PROJECTS", str(checkout.directory.parent))
    done = CliRunner().invoke(app, [command, "-p", "tiny", "-t", "prod"])
    assert (done.exit_code, "this is idea" in done.output) == (2, True)
