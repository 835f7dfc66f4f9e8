"""The command ``snowloop ci``: its options, files and exit codes, and what the base is."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from snowloop.cli import ci
from snowloop.cli.main import app
from snowloop.errors import ProjectError
from snowloop.lifecycle.ci.base import base_at
from snowloop.lifecycle.ci.cost import Cost
from snowloop.lifecycle.ci.review import Review
from snowloop.project import load_project
from tests.cli.test_checkout import git
from tests.support.tiny import tiny

FOUND = Review(
    "tiny", "staging", "abc", "main", "passed", (), None, None, "", "not asked", None, None, (), "", None, Cost(())
)  # fmt: skip


def run(*arguments: str) -> Any:
    return CliRunner().invoke(app, ["ci", *arguments])


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    tiny(tmp_path / "projects")
    git(tmp_path, "init", "-b", "main")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-m", "first")
    monkeypatch.setenv("SNOWLOOP_PROJECTS", str(tmp_path / "projects"))
    return tmp_path


@pytest.mark.parametrize(("reasons", "code"), [((), 0), (("the skew is 0.2",), 2)])
def test_a_refusal_is_an_exit_code_and_the_report_is_written_anyway(
    repository: Path, monkeypatch: pytest.MonkeyPatch, reasons: tuple[str, ...], code: int
):
    outcome = "refused" if reasons else "passed"
    fields = {**FOUND.to_dict(), "reasons": reasons, "outcome": outcome}
    monkeypatch.setattr(ci, "_review", lambda *_given: Review.from_dict(fields))
    monkeypatch.setenv("CI_JOB_URL", "https://ci.test/7")
    monkeypatch.delenv("GITHUB_RUN_ID", raising=False)
    report = repository / "made" / "report.md"
    done = run("-p", "tiny", "--report", str(report))
    assert done.exit_code == code, done.output
    assert report.read_text().startswith("### tiny against staging: the change")
    assert "[run](https://ci.test/7)" in report.read_text()
    assert done.output == report.read_text()
    told = json.loads(run("-p", "tiny", "--json").output)
    assert (told["outcome"], told["reasons"]) == (outcome, list(reasons))


@pytest.mark.parametrize("arguments", [(), ("-p", "tiny", "--sweep")])
def test_it_tries_a_project_or_sweeps(arguments: tuple[str, ...]):
    done = run(*arguments)
    assert (done.exit_code, "give --project to try a change of it, or --sweep" in done.output) == (1, True)


def test_a_time_that_is_none_is_refused_before_anything_is_sent(repository: Path):
    done = run("-p", "tiny", "--expires-in", "soon")
    assert done.exit_code == 1
    assert "'soon': a duration is a whole number above 0 and a unit" in done.output


def test_a_base_that_git_does_not_know_is_named(repository: Path):
    done = run("-p", "tiny", "--base", "origin/main")
    assert done.exit_code == 1
    assert "git knows no commit 'origin/main'" in done.output
    assert "fetch-depth: 0" in done.output


def test_the_base_is_the_declaration_as_it_was_committed(repository: Path):
    project = load_project("tiny", repository / "projects")
    (project.directory / "features.sql").write_text("SELECT ID, X FROM {{ source }}\n")
    with base_at(project, "main") as base:
        assert base.project
        assert "X_OF_A" in base.project.text("features.sql")
        assert base.project.directory != project.directory
        where = base.project.directory
    assert not where.exists()
    git(repository, "checkout", "--orphan", "bare")
    git(repository, "rm", "-rqf", "--cached", "projects")
    git(repository, "commit", "--allow-empty", "-m", "nothing")
    with base_at(project, "bare") as base:
        assert (base.project, base.missing) == (None, "bare does not have the project tiny")
    with pytest.raises(ProjectError, match="git knows no commit 'none'"), base_at(project, "none"):
        pass


def test_a_base_that_cannot_be_read_does_not_stop_the_change_that_repairs_it(repository: Path):
    project = load_project("tiny", repository / "projects")
    declared = project.directory / "project.yaml"
    good = declared.read_text()
    declared.write_text(good.replace("metric:", "metrik:"))
    git(repository, "commit", "-am", "a slip")
    declared.write_text(good)
    with base_at(project, "main") as base:
        assert base.project is None
        assert "the declaration of tiny at main is not usable: " in base.missing
        assert "metrik" in base.missing
