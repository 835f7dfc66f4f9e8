"""How long each DAG file takes to parse, beyond the import of Airflow's SDK that every DAG file needs."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[1]
_REPEATS = 3
_PROGRAM = """
import runpy, sys, time
import airflow.sdk
started = time.perf_counter()
runpy.run_path(sys.argv[1])
print("seconds", time.perf_counter() - started)
"""


@dataclass
class Parsing:
    """A DAG file and the best of its parse times in seconds."""

    file: str
    seconds: float


def parse_times() -> list[Parsing]:
    """Parse each DAG file in processes of its own.

    Raises:
        RuntimeError: if a file does not parse, with what it printed.
    """
    times = []
    with tempfile.TemporaryDirectory() as home:
        environment = os.environ | {
            "AIRFLOW_HOME": home,
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "PYTHONPATH": f"{_ROOT / 'plugins'}{os.pathsep}{_ROOT}",
        }
        for file in sorted((_ROOT / "dags").glob("*.py")):
            best = min(_parse(file, environment) for _ in range(_REPEATS))
            times.append(Parsing(file.name, best))
    return times


def _parse(file: Path, environment: dict[str, str]) -> float:
    command = [sys.executable, "-c", _PROGRAM, str(file)]
    done = subprocess.run(command, cwd=_ROOT, env=environment, capture_output=True, text=True, check=False)
    lines = [line for line in done.stdout.splitlines() if line.startswith("seconds ")]
    if not lines:
        raise RuntimeError(f"{file.name} does not parse:\n{done.stdout}{done.stderr}")
    return float(lines[-1].split()[1])
