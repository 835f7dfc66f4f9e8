"""The README's examples run as they are written."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

README = (Path(__file__).resolve().parents[2] / "README.md").read_text()
EXAMPLES = re.findall(r"```python\n(.*?)```", README, re.S)
IN_TESTS = [example for example in EXAMPLES if "def test_" in example]


@pytest.mark.slow
@pytest.mark.parametrize(
    "example", [e for e in EXAMPLES if e not in IN_TESTS], ids=["connector", "snowpark", "registry"]
)
def test_an_example_runs(example: str, tmp_path: Path, snowflake_connection: dict[str, Any]) -> None:
    (tmp_path / "connection.json").write_text(json.dumps(snowflake_connection))
    (tmp_path / "example.py").write_text(example)
    run = subprocess.run(
        [sys.executable, "example.py"], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=200
    )
    assert run.returncode == 0, run.stderr
    assert run.stdout.strip()


@pytest.mark.slow
def test_the_example_of_a_test_passes(tmp_path: Path) -> None:
    (example,) = IN_TESTS
    (tmp_path / "test_example.py").write_text(example)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_example.py"]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=200)
    assert run.returncode == 0, run.stdout + run.stderr
    assert "1 passed" in run.stdout
