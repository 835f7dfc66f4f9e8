"""The wheel works where there is no repository: it has the SQL and the templates, and no data."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.repository.checkout import ROOT, files

pytestmark = pytest.mark.slow

BROUGHT = ("include/report/", "include/sql/", "include/templates/")
RENDERED = """
from snowloop.project import load_project
from snowloop.sql import render
print(render("champion/queries.sql#ledger_entries", database=load_project("flowers").database("dev")))
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(place)]
    built = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stdout + built.stderr
    (made,) = place.glob("*.whl")
    return made


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the wheel is installed, beside what it needs."""
    site = tmp_path_factory.mktemp("installed")
    uv = Path(sys.executable).parent / "uv"
    command = [str(uv), "pip", "install", "--quiet", "--offline", "--no-deps", "--python", sys.executable]
    subprocess.run([*command, "--target", str(site), str(wheel)], check=True)
    return site


@pytest.fixture
def python(installed: Path, tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs a file or a module of the installed wheel in a folder of its own."""

    def run(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        outer = {name: value for name, value in os.environ.items() if not name.startswith("SNOWLOOP_")}
        environment = outer | {"PYTHONPATH": str(installed)} | variables
        command = [sys.executable, *arguments]
        return subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)

    return run


def test_the_wheel_has_sql_and_templates_and_neither_data_nor_projects(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        brought = {
            name.removeprefix("snowloop/") for name in archive.namelist() if name.startswith("snowloop/include/")
        }
    expected = {str(path.relative_to(ROOT)) for path in files(*(f"{folder}**" for folder in BROUGHT))}

    assert brought == expected | {"include/projects/project.schema.json", "include/targets.schema.json"}


def test_the_command_tells_what_it_can_do(python, installed: Path) -> None:
    told = python(str(installed / "bin" / "snowloop"), "--help")

    assert (told.returncode, told.stderr) == (0, "")
    assert "Usage: snowloop " in told.stdout


def test_a_first_project_is_written_found_and_its_sql_rendered(python, tmp_path: Path) -> None:
    lines = [f"{number},{number % 7 / 2},{'yes' if number % 2 else 'no'}" for number in range(1, 200)]
    (tmp_path / "flowers.csv").write_text("\n".join(["id,width,label", *lines]) + "\n")
    new = ["-m", "snowloop.cli.main", "new", "flowers", "--from", "flowers.csv"]
    nowhere = python(*new)
    assert nowhere.returncode == 1
    assert "name one with --dir, and list it in SNOWLOOP_PROJECTS" in nowhere.stderr

    written = python(*new, "--dir", "projects")
    assert written.returncode == 0, written.stderr
    projects = str(tmp_path / "projects")
    variables = f"SNOWLOOP_PROJECTS={projects} SNOWLOOP_DATA_ROOTS={tmp_path}"
    assert f"{variables} airflow dags trigger flowers__life_cycle" in written.stdout
    schema = (tmp_path / "projects" / "flowers" / "project.yaml").read_text().splitlines()[0].partition("=")[2]
    assert (tmp_path / "projects" / "flowers" / schema).is_file()

    shown = python("-c", RENDERED, SNOWLOOP_PROJECTS=projects)
    assert shown.returncode == 0, shown.stderr
    assert 'FROM "FLOWERS_DEV"."OPS"."LEDGER"' in shown.stdout


def test_without_projects_the_command_says_how_to_name_their_folder(python) -> None:
    asked = ["-m", "snowloop.cli.main", "plan", "--project", "flowers"]
    told = python(*asked, SNOWFLAKE_ACCOUNT="here")

    assert told.returncode == 1
    assert "list their folder in SNOWLOOP_PROJECTS" in told.stderr
