"""The wheel installs into an Airflow that is there: nothing of it changes, and one line brings the DAGs."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.repository.checkout import ROOT

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

UV = Path(sys.executable).parent / "uv"
# an Airflow that works with Snowflake's model registry, which has limits of its own: pandas < 3, packaging < 26
STOCK = ("apache-airflow[snowflake]>=3.3,<3.4", "snowflake-ml-python>=2.6,<3")
KINDS = {
    "environment", "train", "score", "life_cycle", "rollback", "health", "backfill", "requeue", "challenge", "rehearse",
}  # fmt: skip
PARSED = """
import json
from airflow.dag_processing.dagbag import DagBag
from airflow.plugins_manager import get_plugin_info
from snowloop.project import load_project
bag = DagBag(dag_folder="dags")
plugins = {each["name"]: str(each["source"]) for each in get_plugin_info(["name", "source"])}
print(json.dumps({"dags": sorted(bag.dags), "errors": bag.import_errors, "plugins": plugins}))
"""


def uv(*arguments: object) -> str:
    command = [str(UV), *map(str, arguments)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def frozen(python: Path) -> dict[str, str]:
    """Version by package."""
    lines = uv("pip", "freeze", "--python", python).splitlines()
    return dict(line.split("==") for line in lines if "==" in line)


@pytest.fixture(scope="module")
def stock(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an environment with nothing but stock Airflow for Snowflake."""
    place = tmp_path_factory.mktemp("stock") / "venv"
    uv("venv", "--quiet", "--python", sys.executable, place)
    uv("pip", "install", "--quiet", "--python", place / "bin/python", *STOCK)
    return place / "bin" / "python"


@pytest.fixture(scope="module")
def run(stock: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., str]:
    """Install the wheel there, and run Python in a folder with the one line and a project."""
    place = tmp_path_factory.mktemp("airflow")
    before = frozen(stock)
    (place / "installed.txt").write_text("".join(f"{name}=={version}\n" for name, version in before.items()))
    uv("build", "--quiet", "--wheel", "--out-dir", place / "dist", ROOT)
    (wheel,) = (place / "dist").glob("*.whl")
    uv("pip", "install", "--quiet", "--python", stock, "--constraint", place / "installed.txt", wheel)
    assert before.items() <= frozen(stock).items()

    (place / "dags").mkdir()
    (place / "dags" / "snowloop_dags.py").write_text("from snowloop.airflow.dags import *\n")
    shutil.copytree(ROOT / "include/projects/credit_approval", place / "projects" / "credit_approval")

    def run(code: str) -> str:
        ours = ("SNOWLOOP_", "AIRFLOW_", "PYTHON")
        environment = {name: value for name, value in os.environ.items() if not name.startswith(ours)} | {
            "AIRFLOW_HOME": str(place / "home"),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "SNOWLOOP_PROJECTS": str(place / "projects"),
        }
        ended = subprocess.run(
            [stock, "-c", code], cwd=place, env=environment, capture_output=True, text=True, check=False
        )
        assert ended.returncode == 0, ended.stderr
        return ended.stdout.splitlines()[-1]

    return run


def test_one_line_brings_every_dag_and_the_wheel_its_plugin(run: Callable[..., str]) -> None:
    found = json.loads(run(PARSED))

    assert found["errors"] == {}
    assert found["dags"] == sorted(f"credit_approval__{kind}" for kind in KINDS)
    assert "snowloop_plugin:SnowloopPlugin" in found["plugins"]["snowloop"]


def test_it_brings_no_tool_of_tests_and_no_local_server(stock: Path, run: Callable[..., str]) -> None:
    assert run("print('installed')") == "installed"

    assert {"pytest", "ruff", "mypy", "duckdb", "fakesnow", "local-snowflake", "psycopg2-binary"} & set(
        frozen(stock)
    ) == set()
