"""The commands that the documentation and the pull request name are there."""

from __future__ import annotations

import importlib.util
import re
import subprocess
from pathlib import Path

import pytest

from tests.repository.checkout import ROOT, files

DOCUMENTS = [*files("*.md", "docs/*.md", ".github/workflows/*.yml"), ROOT / ".ci/run"]
INTERFACE = {"env", "run", "up", "down", "test", "bench", "lint", "compose-run"}


def targets() -> set[str]:
    """The Makefile's commands."""
    return set(re.findall(r"^([a-z][a-z-]*):.*##", (ROOT / "Makefile").read_text(), re.MULTILINE))


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_make_command_in_a_document_is_a_target(document: Path) -> None:
    named = set(re.findall(r"(?:^|`|run: |\" )make ([a-z][a-z-]*)", document.read_text(), re.MULTILINE))

    assert named <= targets()


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_module_in_a_document_can_be_run(document: Path) -> None:
    named = set(re.findall(r"python3? -m ([a-z_.]+)", document.read_text()))

    assert {name for name in named if importlib.util.find_spec(name) is None} == set()


def test_the_readme_names_the_two_commands_first() -> None:
    readme = (ROOT / "README.md").read_text()
    named = re.findall(r"^(?:\$ )?make ([a-z-]+)", readme, re.MULTILINE)

    assert named[:2] == ["run", "test"]


def test_the_interface_is_there() -> None:
    assert targets() >= INTERFACE


@pytest.mark.parametrize("target", sorted(INTERFACE))
def test_a_target_can_be_planned(target: str) -> None:
    done = subprocess.run(["make", "--dry-run", target], cwd=ROOT, capture_output=True, text=True, check=False)

    assert (done.returncode, done.stderr) == (0, "")


def test_run_passes_project_and_data_on() -> None:
    command = ["make", "--dry-run", "run", "PROJECT=bank_marketing", "DATA=some/where"]
    told = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout

    assert "stack run --project bank_marketing --data some/where" in told


def test_a_python_that_is_too_old_is_refused_in_words(tmp_path: Path) -> None:
    old = tmp_path / "python3"
    old.write_text('#!/bin/sh\n[ "$1" = --version ] && echo Python 3.9.2\nexit 1\n')
    old.chmod(0o755)
    command = ["make", "--always-make", "env", f"PYTHON={old}"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    assert done.returncode == 2
    assert "Python 3.9.2 is not one of 3.11 to 3.14" in done.stderr
