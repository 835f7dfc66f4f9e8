"""What a repository of a user's own declares as the steps of its workflows runs as commands, in a clean environment.

What is not run, because it needs GitHub itself or an account: the checkout, the set-up of Python, the page of the run,
artifacts, the comment, the token that signs in, and the trial in a clone of staging (tests/lifecycle/ci has it).
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from local_snowflake.testing import LocalSnowflake
from snowloop.new import new_repository
from tests.repository.checkout import ROOT
from tests.support.workflows import Step, steps

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

UV = Path(sys.executable).parent / "uv"
RUN = {"GITHUB_", "SNOWLOOP_", "SNOWFLAKE_", "AIRFLOW", "PYTHON", "VIRTUAL_ENV"}


def sh(command: str | list[str], folder: Path, environment: dict[str, str] | None = None) -> str:
    """What a command prints; a shell runs a text as GitHub's runner does."""
    arguments = ["bash", "-e", "-o", "pipefail", "-c", command] if isinstance(command, str) else command
    done = subprocess.run(arguments, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


class Clone:
    """A clone of a generated repository, with a remote, an environment of its own, and an account."""

    def __init__(self, place: Path, server: LocalSnowflake) -> None:
        self.folder = place / "models"
        self.venv = place / "venv"
        settings = server.connection()
        names = ("account", "user", "password", "host", "port", "protocol")
        self.account = {f"SNOWFLAKE_{name.upper()}": str(settings[name]) for name in names}
        self.outer = {key: value for key, value in os.environ.items() if not key.startswith(tuple(RUN))} | {
            "PATH": f"{self.venv / 'bin'}{os.pathsep}{os.environ['PATH']}",
            "PIP_FIND_LINKS": str(place / "dist"),
            "PIP_CONSTRAINT": str(place / "constraints.txt"),
            "AIRFLOW_HOME": str(place / "airflow"),
        }
        pins = re.sub(r" \\\n +--hash=\S+", "", (ROOT / "requirements-local.txt").read_text())
        (place / "constraints.txt").write_text(pins)  # without hashes, which pip would ask of the wheels built here too
        file = place / "churn.csv"
        customers().to_csv(file, index=False)
        new_repository(self.folder, file=file, name="churn")
        for command in ("init -q -b main", "add -A", "commit -q -m first", f"clone -q --bare . {place / 'origin'}"):
            self.git(command)
        self.git(f"remote add origin {place / 'origin'}")
        self.git("fetch -q origin")
        for package in (ROOT, ROOT / "packages" / "local-snowflake"):
            sh([str(UV), "build", "--quiet", "--wheel", "--out-dir", str(place / "dist"), str(package)], place)
        sh([str(UV), "venv", "--quiet", "--seed", "--python", sys.executable, str(self.venv)], place)
        # what the clone declares, from the files that are on the machine already: the steps' own pip finds it there
        pip = [str(UV), "pip", "install", "--quiet", "--python", str(self.venv), "--find-links", str(place / "dist")]
        sh([*pip, "--constraint", str(place / "constraints.txt"), ".[test]"], self.folder)

    def git(self, command: str) -> str:
        return sh(f"git -c user.name=Ada -c user.email=ada@example.org {command}", self.folder)

    def merge(self, file: str, old: str, new: str) -> None:
        """A change of one file, as it is on the branch and at the remote after a merge."""
        path = self.folder / file
        assert path.read_text().count(old) == 1
        path.write_text(path.read_text().replace(old, new))
        for command in ("commit -q -a -m changed", "push -q origin main"):
            self.git(command)

    def run(self, step: Step) -> str:
        """Run a step with what its job gives it, and with the account where its job signs in to one."""
        account = self.account if "SNOWFLAKE_AUTHENTICATOR" in step.declared else {}
        given = {key: value for key, value in step.environment.items() if not key.startswith("SNOWFLAKE_")}
        return sh(step.command, self.folder, self.outer | given | account)

    def job(self, workflow: str, job: str, **contexts: str) -> list[tuple[str, str]]:
        """Run the steps of a job that can run here: each with what it printed."""
        file = self.folder / ".github" / "workflows" / f"{workflow}.yml"
        return [
            (step.command, self.run(step))
            for step in steps(file, matrix_project="churn", github_base_ref="main", **contexts)
            if step.job == job and not step.needs_github
        ]


def customers() -> pd.DataFrame:
    """1,500 customers of whom those leave more often who pay more and have not been here for long."""
    random = np.random.default_rng(11)
    fee, months = random.normal(50, 20, 1500).round(2), random.integers(1, 60, 1500)
    chance = 1 / (1 + np.exp(-(fee - 50) / 8 + (months - 30) / 10))
    left = np.where(random.random(1500) < chance, "yes", "no")
    return pd.DataFrame({"id": range(1, 1501), "fee": fee, "months": months, "left": left})


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clone]:
    place = tmp_path_factory.mktemp("repository")
    server = LocalSnowflake(place / "snowflake").start()
    yield Clone(place, server)
    server.stop()


def test_the_repository_is_tested_delivered_rolled_back_and_monitored(clone: Clone) -> None:
    *_, (_, tested) = clone.job("ci", "tests")
    assert "3 passed" in tested

    deployed = dict(clone.job("deploy", "staging"))
    assert "promote: champion" in next(text for command, text in deployed.items() if " train " in command)
    promoted = dict(clone.job("deploy", "prod"))
    first = next(text for command, text in promoted.items() if " promote " in command)
    assert "champion of prod: " in first
    assert "LOOP      ok" in next(text for command, text in promoted.items() if " smoke " in command)

    again = dict(clone.job("deploy", "staging"))
    assert "not trained: kind of change: none" in next(text for command, text in again.items() if " train " in command)

    clone.merge("include/projects/churn/model.py", "max_leaf_nodes=8", "max_leaf_nodes=6")
    clone.job("deploy", "staging")
    second = next(text for command, text in clone.job("deploy", "prod") if " promote " in command)
    assert "before: none" not in second

    inputs = {"inputs_project": "churn", "inputs_target": "prod", "inputs_version": "", "inputs_reason": "odd scores"}
    back = next(text for command, text in clone.job("rollback", "rollback", **inputs) if " rollback " in command)
    assert back.startswith("champion ")
    assert [command.split()[1] for command, _ in clone.job("nightly", "monitor")[1:]] == ["monitor", "verify", "status"]


def test_a_pull_request_is_tried_on_the_local_snowflake(clone: Clone) -> None:
    clone.git("checkout -q -b better")
    model = clone.folder / "include/projects/churn/model.py"
    model.write_text(model.read_text().replace("max_iter=1000", "max_iter=2000"))
    clone.git("commit -q -a -m better")

    *_, (command, _) = clone.job("ci", "try")

    assert command.startswith("local-snowflake run -- snowloop ci ")
    assert "retrain" in (clone.folder / "report.md").read_text()
    assert [command for command, _ in clone.job("nightly", "sweep")][-1] == "snowloop ci --sweep"
