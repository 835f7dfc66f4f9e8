"""Which commit made a thing: that of the project's folder, which may hold what is not committed."""

import subprocess
from pathlib import Path
from typing import Any

import pytest
from snowflake.snowpark import Session

from snowloop.lifecycle.data.environment import create_environment
from snowloop.lifecycle.provenance import git_commit
from snowloop.project import Project
from snowloop.sql import run
from snowloop.workspace import Workspace
from tests.support.tiny import tiny


@pytest.fixture(autouse=True)
def _unnamed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SNOWLOOP_GIT_COMMIT", raising=False)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return tiny(tmp_path / "projects")


@pytest.fixture
def committed(project: Project) -> Project:
    """Two folders in a repository of their own, all of it committed."""
    (folder(project) / "other").mkdir()
    (folder(project) / "other" / "model.py").write_text("ONE = 1\n")
    git(project, "init", "--quiet")
    git(project, "add", ".")
    git(project, "-c", "user.name=a", "-c", "user.email=a@b.c", "commit", "--quiet", "--message=first")
    return project


def folder(project: Project) -> Path:
    return project.directory.parent


def git(project: Project, *command: str) -> str:
    done = subprocess.run(["git", *command], cwd=folder(project), check=True, capture_output=True, text=True)
    return done.stdout.strip()


def test_it_is_that_of_the_projects_folder(committed: Project):
    assert git_commit(committed) == git(committed, "rev-parse", "HEAD")


@pytest.mark.parametrize("file", ["model.py", "new.py"])
def test_what_is_not_committed_is_told(committed: Project, file: str):
    (committed.directory / file).write_text("TWO = 2\n")
    assert git_commit(committed) == f"{git(committed, 'rev-parse', 'HEAD')}-dirty"


def test_another_folder_does_not_count(committed: Project):
    (folder(committed) / "other" / "model.py").write_text("TWO = 2\n")
    assert git_commit(committed) == git(committed, "rev-parse", "HEAD")


def test_without_a_repository_it_is_unknown_unless_it_is_named(project: Project, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(folder(project)))
    assert git_commit(project) == "unknown"
    monkeypatch.setenv("PATH", "")
    assert git_commit(project) == "unknown"
    monkeypatch.setenv("SNOWLOOP_GIT_COMMIT", "abc")
    assert git_commit(project) == "abc"


def test_a_promotion_counts_as_reviewed_if_its_code_is_committed(session: Session, project: Project):
    create_environment(Workspace(session, project, "code"))
    database = project.database("code")

    query = "monitoring/ml_test_score/queries.sql#promotions_are_reviewed"

    def promoted(commit: str, approved_by: str) -> dict[str, Any]:
        session.sql(
            f"INSERT INTO {database}.OPS.LEDGER (ENTRY, ACTION, TO_VERSION, GIT_COMMIT, APPROVED_BY) "
            f"SELECT COUNT(*) + 1, 'promote', 'V', '{commit}', {approved_by} FROM {database}.OPS.LEDGER"
        ).collect()
        return dict(run(session, query, database=database)[0].as_dict())

    assert promoted("abc", "'ada'") == {
        "RAN": 1,
        "BY_HAND": 1,
        "EVIDENCE": "1 of 1 promotions approved by a person, of committed code",
    }
    for commit, approved_by in (("abc-dirty", "'ada'"), ("unknown", "'ada'"), ("abc", "NULL")):
        found = promoted(commit, approved_by)
        assert (found["RAN"], found["BY_HAND"]) == (0, 1)
        session.sql(f"DELETE FROM {database}.OPS.LEDGER WHERE ENTRY > 1").collect()
