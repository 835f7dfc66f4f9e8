"""The commands that the documentation and the pull request name are there."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.repository.checkout import ROOT, files

DOCUMENTS = [*files("*.md", "docs/*.md", ".github/workflows/*.yml"), ROOT / ".ci/run"]
INTERFACE = {"env", "run", "up", "down", "test", "bench", "lint", "compose-run"}


def targets() -> set[str]:
    """The Makefile's commands."""
    return set(re.findall(r"^([a-z][a-z-]*):.*##", (ROOT / "Makefile").read_text(), re.MULTILINE))


def make(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run make as from a terminal, also where the tests themselves were started by a make with options."""
    outer = {"MAKEFLAGS", "MFLAGS", "MAKELEVEL", "MAKEOVERRIDES"}
    environment = {name: value for name, value in os.environ.items() if name not in outer}
    return subprocess.run(["make", *arguments], cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_make_command_in_a_document_is_a_target(document: Path) -> None:
    named = set(re.findall(r"(?:^|`|run: |\" )make ([a-z][a-z-]*)", document.read_text(), re.MULTILINE))

    assert named <= targets()


def can_be_run(module: str, document: Path) -> bool:
    """Whether a module is installed, or is in a folder above the document, where its distribution is."""
    path = Path(*module.split("."))
    folders = [folder for folder in document.parents if folder.is_relative_to(ROOT)]
    if any(
        (folder / path).with_suffix(".py").is_file() or (folder / path / "__main__.py").is_file() for folder in folders
    ):
        return True
    return importlib.util.find_spec(module) is not None


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_module_in_a_document_can_be_run(document: Path) -> None:
    named = set(re.findall(r"python3? -m ([a-z_.]+)", document.read_text()))

    assert {name for name in named if not can_be_run(name, document)} == set()


def test_the_readme_names_the_two_commands_first() -> None:
    readme = (ROOT / "README.md").read_text()
    named = re.findall(r"^(?:\$ )?make ([a-z-]+)", readme, re.MULTILINE)

    assert named[:2] == ["run", "test"]


def test_the_interface_is_there() -> None:
    assert targets() >= INTERFACE


@pytest.mark.parametrize("target", sorted(INTERFACE))
def test_a_target_can_be_planned(target: str) -> None:
    done = make("--dry-run", target)

    assert (done.returncode, done.stderr) == (0, "")


def test_the_options_of_an_outer_make_do_not_reach_the_one_that_is_tested(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAKEFLAGS", " -j4 --jobserver-auth=198,199")
    monkeypatch.setenv("MAKELEVEL", "1")

    assert make("--dry-run", "down").stderr == ""


def test_run_passes_project_and_data_on() -> None:
    told = make("--dry-run", "run", "PROJECT=bank_marketing", "DATA=some/where").stdout

    assert "stack run --project bank_marketing --data some/where" in told


def test_up_passes_the_port_on() -> None:
    assert "stack up --port 8090" in make("--dry-run", "up", "PORT=8090").stdout


def test_the_environment_has_the_command_snowloop_for_any_folder(tmp_path: Path) -> None:
    place = tmp_path / "bin"
    place.mkdir()
    python, command = place / "python", place / "snowloop"
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    python.chmod(0o755)
    made = make("--old-file=.venv/.synced", f"BIN={place}", str(command))
    assert (made.returncode, made.stderr) == (0, "")
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    told = subprocess.run(
        [command, "--help"], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
    )

    assert "Usage: snowloop " in told.stdout
    assert "up to date" in make("--old-file=.venv/.synced", f"BIN={place}", str(command)).stdout


def test_a_python_that_is_too_old_is_refused_in_words(tmp_path: Path) -> None:
    old = tmp_path / "python3"
    old.write_text('#!/bin/sh\n[ "$1" = --version ] && echo Python 3.9.2\nexit 1\n')
    old.chmod(0o755)
    done = make("--always-make", "env", f"PYTHON={old}")

    assert done.returncode == 2
    assert "Python 3.9.2 is not one of 3.11 to 3.14" in done.stderr
