"""The workflows and the action of the repository pass the linters of such files, and the action runs its command."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.repository.checkout import ROOT
from tests.support.linters import actionlint, zizmor

WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))
ACTION = yaml.safe_load((ROOT / "action.yml").read_text())


def test_zizmor_finds_nothing() -> None:
    assert zizmor(ROOT / ".github", ROOT / "action.yml") == ""


def test_zizmor_finds_what_it_is_there_for(tmp_path: Path) -> None:
    bad = tmp_path / "bad.yml"
    bad.write_text(
        "on: pull_request_target\njobs:\n  a:\n    runs-on: ubuntu-24.04\n    steps:\n"
        "      - run: echo ${{ github.event.pull_request.title }}\n"
    )

    found = zizmor(bad)

    assert "template-injection" in found
    assert "dangerous-triggers" in found


def test_actionlint_finds_nothing() -> None:
    assert actionlint(WORKFLOWS) == ""


@pytest.mark.parametrize(
    ("local", "expected"),
    [("", "snowloop\nci\n--report\na b.md\n$HOME\n"), ("echo run --", "run -- snowloop ci --report a b.md $HOME\n")],
)
def test_the_action_splits_its_command_and_expands_nothing(tmp_path: Path, local: str, expected: str) -> None:
    stub = tmp_path / "snowloop"
    stub.write_text('#!/bin/sh\nprintf "%s\\n" snowloop "$@"\n')
    stub.chmod(0o755)
    (run,) = (step["run"] for step in ACTION["runs"]["steps"] if step.get("name") == "its command")
    environment = {
        "PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}",
        "COMMAND": "ci --report 'a b.md' $HOME",
        "LOCAL": local,
    }

    done = subprocess.run(["bash", "-c", run], env=environment, capture_output=True, text=True, check=False)

    assert (done.returncode, done.stdout) == (0, expected), done.stderr
