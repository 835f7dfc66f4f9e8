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

PARSE = """
import json, runpy, socket, sys
import airflow.sdk
from airflow.sdk import DAG, BaseOperator, CronTriggerTimetable, Param, TaskGroup
before = set(sys.modules)

def refuse(*arguments, **options):
    raise AssertionError(f"a connection was opened while parsing: {arguments}")

socket.socket.connect = refuse
socket.create_connection = refuse
runpy.run_path(sys.argv[1])
print(json.dumps({"imported": sorted(set(sys.modules) - before)}))
"""


@pytest.fixture(scope="module", params=sorted(path.name for path in (REPOSITORY / "dags").glob("*.py")))
def parsed(request, tmp_path_factory):
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(REPOSITORY / "plugins"), str(REPOSITORY)]),
        "AIRFLOW_HOME": str(tmp_path_factory.mktemp("home")),
    }
    ended = subprocess.run(
        [sys.executable, "-c", PARSE, str(REPOSITORY / "dags" / request.param)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert ended.returncode == 0, ended.stderr
    return json.loads(ended.stdout.splitlines()[-1])


def test_imports_nothing_heavy_and_opens_no_connection(parsed):
    assert [module for module in parsed["imported"] if module.startswith(HEAVY)] == []
