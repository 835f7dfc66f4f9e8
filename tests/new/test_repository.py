"""A repository of a user's own: what is laid out, that nothing is overwritten, and what its pipelines may and call."""

from __future__ import annotations

import ast
import re
import shlex
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest
import yaml
from typer.core import TyperGroup
from typer.main import get_command
from typer.testing import CliRunner

from snowloop.cli.main import app
from snowloop.errors import NewProjectError
from snowloop.new import new_repository, repository
from snowloop.project import load_project
from tests.support.first_files import customers, write
from tests.support.linters import actionlint, zizmor
from tests.support.workflows import read_workflow

COMMANDS = cast(TyperGroup, get_command(app)).commands
WORKFLOWS = ("ci", "deploy", "nightly", "rollback")
PIPELINES = {
    "github": {f".github/workflows/{name}.yml" for name in WORKFLOWS},
    "gitlab": {".gitlab-ci.yml"},
    "azure": {"azure-pipelines.yml"},
}
COMMON = {
    ".gitignore", "AGENTS.md", "README.md", "dags/snowloop_dags.py", "include/projects/project.schema.json",
    "include/targets.schema.json", "pyproject.toml", "targets.yaml", "tests/conftest.py", "tests/test_projects.py",
}  # fmt: skip


@pytest.fixture(scope="module")
def laid_out(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A repository of each kind."""
    place = tmp_path_factory.mktemp("repositories")
    return {ci: new_repository(place / ci, name="churn", ci=ci).directory for ci in PIPELINES}  # type: ignore[arg-type]


def written(directory: Path) -> set[str]:
    return {path.relative_to(directory).as_posix() for path in directory.rglob("*") if path.is_file()}


@pytest.mark.parametrize("ci", PIPELINES)
def test_a_repository_has_everything_and_the_pipelines_of_one_system(laid_out: dict[str, Path], ci: str) -> None:
    assert written(laid_out[ci]) == COMMON | PIPELINES[ci]
    assert not re.search(r"\[\[|\[%|\[#", "".join((laid_out[ci] / name).read_text() for name in PIPELINES[ci]))


def test_a_file_becomes_its_first_project_with_its_rows(tmp_path: Path) -> None:
    file = write(tmp_path / "a.csv", customers())

    made = CliRunner().invoke(app, ["init", str(tmp_path / "models"), "--from", str(file), "--name", "churn"])

    assert made.exit_code == 0, made.output
    project = load_project("churn", tmp_path / "models/include/projects")
    assert project.targets.find("prod").accepts_from == ("staging",)  # type: ignore[union-attr]
    assert (project.data_dir / "a.csv").read_bytes() == file.read_bytes()
    assert (
        (project.directory / "project.yaml")
        .read_text()
        .startswith("# yaml-language-server: $schema=../project.schema.json\n")
    )
    assert "check that they may be in a repository" in made.output
    assert f"{tmp_path}/models/targets.yaml:6" in made.output


def test_of_a_large_file_the_first_rows_are_copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = write(tmp_path / "a.csv", customers())
    monkeypatch.setattr(repository, "SAMPLE_BYTES", 100)
    monkeypatch.setattr(repository, "SAMPLE_ROWS", 7)

    made = new_repository(tmp_path / "models", file=file)

    assert made.sample == tmp_path / "models/include/data/a/a.csv"
    assert made.sample.read_text().splitlines() == file.read_text().splitlines()[:8]


def test_nothing_is_overwritten_and_nothing_is_written_beside(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("mine")

    with pytest.raises(NewProjectError, match=r"README\.md already exists and is not overwritten"):
        new_repository(tmp_path)

    assert written(tmp_path) == {"README.md"}
    assert (tmp_path / "README.md").read_text() == "mine"


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--name", "1st"], "'1st' cannot be a project's name: give one with --name"),
        (["--from", "none.csv"], "there is no such file"),
    ],
)
def test_what_cannot_be_used_is_said_and_leaves_no_file(tmp_path: Path, options: list[str], says: str) -> None:
    done = CliRunner().invoke(app, ["init", str(tmp_path / "models"), *options])

    assert done.exit_code == 1
    assert says in done.output
    assert written(tmp_path) == set()


def test_its_package_needs_this_release_and_the_local_snowflake_only_in_tests(laid_out: dict[str, Path]) -> None:
    project = tomllib.loads((laid_out["github"] / "pyproject.toml").read_text())["project"]

    assert re.fullmatch(r"snowloop==\d+\.\d+\.\d+", project["dependencies"][0])
    assert project["optional-dependencies"]["test"][0].startswith("snowloop[local]==")


def test_python_files_can_be_parsed(laid_out: dict[str, Path]) -> None:
    for file in laid_out["github"].rglob("*.py"):
        ast.parse(file.read_text())


def scripts(value: Any) -> Iterator[str]:
    """All commands in a pipeline of any system."""
    if isinstance(value, dict):
        for key, each in value.items():
            if key == "with":
                continue
            if key in ("run", "script", "before_script") and not isinstance(each, dict):
                yield from each if isinstance(each, list) else [str(each)]
            else:
                yield from scripts(each)
    elif isinstance(value, list):
        for each in value:
            yield from scripts(each)


@pytest.mark.parametrize("ci", PIPELINES)
def test_every_command_of_a_pipeline_exists_with_its_options(laid_out: dict[str, Path], ci: str) -> None:
    called = [
        shlex.split(command.partition("snowloop ")[2])
        for name in PIPELINES[ci]
        for command in scripts(yaml.safe_load((laid_out[ci] / name).read_text()))
        if "snowloop " in command
    ]

    assert {name for name, *_ in called} >= {"ci", "environment", "load", "train", "apply", "promote", "rollback"}
    for name, *options in called:
        known = {option for parameter in COMMANDS[name].params for option in parameter.opts}
        assert {option for option in options if option.startswith("--")} <= known, name


@pytest.mark.parametrize("name", WORKFLOWS)
def test_a_workflow_gives_least_permissions_and_runs_one_at_a_time(laid_out: dict[str, Path], name: str) -> None:
    workflow = read_workflow(laid_out["github"] / f".github/workflows/{name}.yml")

    assert workflow["permissions"] == {}
    assert workflow["concurrency"]["group"]
    assert "pull_request_target" not in workflow["on"]
    for job in workflow["jobs"].values():
        assert set(job["permissions"].items()) <= {
            ("contents", "read"), ("id-token", "write"), ("pull-requests", "write")
        }  # fmt: skip
        if "pull-requests" in job["permissions"]:
            assert [step for step in job["steps"] if "run" in step] == []


def test_a_rollback_does_not_wait_for_the_reviewers_of_a_deployment(laid_out: dict[str, Path]) -> None:
    """A deployment keeps its group while it waits for them, and of several runs that wait GitHub keeps the newest."""
    groups = {
        name: read_workflow(laid_out["github"] / f".github/workflows/{name}.yml")["concurrency"]["group"]
        for name in ("deploy", "rollback")
    }

    assert groups["deploy"] == "deploy"
    assert groups["rollback"] == "rollback-${{ inputs.project }}-${{ inputs.target }}"


@pytest.mark.parametrize("name", WORKFLOWS)
def test_each_step_is_one_command_without_expressions_and_each_action_is_pinned(
    laid_out: dict[str, Path], name: str
) -> None:
    file = laid_out["github"] / f".github/workflows/{name}.yml"

    for command in scripts(read_workflow(file)):
        assert "${{" not in command
        assert "\n" not in command
    used = [line.strip().removeprefix("- ") for line in file.read_text().splitlines() if "uses:" in line]
    assert used
    for line in used:
        assert re.fullmatch(r"uses: actions/[a-z-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", line), line


def test_a_fork_gets_neither_account_nor_comment(laid_out: dict[str, Path]) -> None:
    jobs = read_workflow(laid_out["github"] / ".github/workflows/ci.yml")["jobs"]
    own = "github.event.pull_request.head.repo.full_name == github.repository"

    assert own in jobs["comment"]["if"]
    assert jobs["try"]["env"]["SNOWFLAKE_ACCOUNT"].startswith(f"${{{{ {own} && ")
    with_secret = [step for step in jobs["try"]["steps"] if "secrets." in str(step)]
    assert [step["if"] for step in with_secret] == ["env.SNOWFLAKE_ACCOUNT != ''"]


def test_zizmor_finds_nothing(laid_out: dict[str, Path]) -> None:
    assert zizmor(laid_out["github"] / ".github") == ""


def test_actionlint_finds_nothing(laid_out: dict[str, Path]) -> None:
    assert actionlint(sorted((laid_out["github"] / ".github/workflows").glob("*.yml"))) == ""
