"""Which commit made a thing: that of the project's folder, which may hold what is not committed."""

import subprocess
from pathlib import Path

import pytest

from snowloop.lifecycle.provenance import git_commit
from snowloop.project import Project
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
