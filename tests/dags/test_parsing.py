"""Parsing a DAG file imports neither Snowflake nor scikit-learn, and opens no connection."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

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
