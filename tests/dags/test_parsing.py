"""Parsing a DAG file imports neither Snowflake nor scikit-learn, opens no connection, and reads a project once."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from snowloop.project.files.loading import FILES as FILES_OF_PROJECT

REPOSITORY = Path(__file__).resolve().parents[2]
PROVIDERS = ("airflow.providers.snowflake", "airflow.providers.common.sql")
HEAVY = ("snowflake.", "sklearn", "pandas", "matplotlib", "pyarrow", "duckdb", "snowloop.lifecycle", *PROVIDERS)

# Airflow is imported once; each file is parsed in a fork of that process
PARSE = """
import json, os, runpy, socket, sys
import airflow.sdk
from airflow.sdk import DAG, BaseOperator, CronTriggerTimetable, Param, TaskGroup
before = set(sys.modules)

def refuse(*arguments, **options):
    raise AssertionError(f"a connection was opened while parsing: {arguments}")

socket.socket.connect = refuse
socket.create_connection = refuse
for file in sys.argv[1:]:
    child = os.fork()
    if not child:
        runpy.run_path(file)
        print(json.dumps([file, sorted(set(sys.modules) - before)]), flush=True)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0, file
"""
FILES = sorted((REPOSITORY / "dags").glob("*.py"))


@pytest.fixture(scope="module")
def imported(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """The modules that parsing imports beyond Airflow's own, by DAG file."""
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(REPOSITORY / "plugins"), str(REPOSITORY)]),
        "AIRFLOW_HOME": str(tmp_path_factory.mktemp("home")),
    }
    command = [sys.executable, "-c", PARSE, *map(str, FILES)]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=240)
    assert ended.returncode == 0, ended.stderr
    return dict(json.loads(line) for line in ended.stdout.splitlines() if line.startswith("["))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_imports_nothing_heavy_and_opens_no_connection(imported: dict[str, list[str]], file: Path) -> None:
    assert [module for module in imported[str(file)] if module.startswith(HEAVY)] == []


# Prints which files of projects are opened while all DAG files are parsed by one process
OPENED = """
import json, runpy, sys
from pathlib import Path
import snowloop.airflow.drawing
opened = []
sys.addaudithook(lambda event, given: opened.append(str(given[0])) if event == "open" else None)
dags = [name for file in sys.argv[2:] for name, found in runpy.run_path(file).items() if hasattr(found, "dag_id")]
print(json.dumps([sorted(dags), sorted(file for file in opened if file.startswith(sys.argv[1]))]))
"""


def opened(folder: Path, dag_id: str | None) -> tuple[list[str], list[str]]:
    """The DAGs of the DAG files, and the files in a folder of projects that were opened for them, each as often."""
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(REPOSITORY / "plugins"), str(REPOSITORY)]),
        "AIRFLOW_HOME": str(folder.parent / "home"),
        "SNOWLOOP_PROJECTS": str(folder),
        **({"_AIRFLOW_PARSING_CONTEXT_DAG_ID": dag_id} if dag_id else {}),
    }
    command = [sys.executable, "-c", OPENED, str(folder), *map(str, FILES)]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=240)
    assert ended.returncode == 0, ended.stderr
    dags, names = json.loads(ended.stdout.splitlines()[-1])
    return dags, [str(Path(name).relative_to(folder)) for name in names]


@pytest.fixture(scope="module")
def projects(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of three projects."""
    folder = tmp_path_factory.mktemp("many") / "projects"
    for name in ("one", "two", "three"):
        shutil.copytree(REPOSITORY / "include" / "projects" / "bank_marketing", folder / name)
        file = folder / name / "project.yaml"
        file.write_text(file.read_text().replace("name: bank_marketing", f"name: {name}"))
    return folder


def test_each_project_is_read_once_for_all_dags(projects: Path) -> None:
    dags, files = opened(projects, None)
    assert {"one__train", "two__health", "three__score"} <= set(dags)
    assert files == sorted(f"{name}/{file}" for name in ("one", "two", "three") for file in FILES_OF_PROJECT)


def test_for_a_task_only_its_own_project_is_read(projects: Path) -> None:
    dags, files = opened(projects, "two__train")
    assert "two__train" in dags
    assert {dag.partition("__")[0] for dag in dags} == {"two"}
    assert files == sorted(f"two/{file}" for file in FILES_OF_PROJECT)
