"""A user's repository with the tiny project, and the commands of ``snowloop`` as a workflow runs them in it."""

import json
import os
import random
import shlex
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.support.commandline import Ran, environment
from tests.support.tiny import PROJECT, tiny
from tests.support.transcript import Shown

TARGETS = """
targets:
  dev: {account: LOCAL-DEV}
  staging: {account: LOCAL-LOCAL, branch: main}
  prod: {account: LOCAL-LOCAL, branch: main, mode: production, accepts_from: [staging]}
  abroad: {branch: main, accepts_from: [staging], connection: abroad}
"""
OF_X = "SELECT ID, X FROM {{ source }}\n"
OF_X_AND_Y = "SELECT ID, X, Y FROM {{ source }}\n"
OF_NOISE = "SELECT ID, HASH(ID) % 1000 AS NOISE FROM {{ source }}\n"
METRIC = "metric: {name: roc_auc, at_least: 0.6, tolerance: 0.05, min_support: 5}"


def events(rows: int) -> str:
    """A file of events whose label depends on X and Y."""
    chance = random.Random(1)
    lines = ["ID,X,Y,KIND,HAPPENED_AT,TAG,LATE"]
    for key in range(1, rows + 1):
        x, y = round(chance.random() * 100, 2), round(chance.gauss(0, 1), 3)
        late = int((x - 50) / 10 + 3 * y + chance.gauss(0, 2) > 0)
        lines.append(f"{key},{x},{y},{chance.choice('AB')},2026-01-01 00:00:00,{key},{late}")
    return "\n".join(lines) + "\n"


def connections(named: Mapping[str, Mapping[str, Any]]) -> str:
    """The text of a connections.toml."""
    lines = []
    for name, options in named.items():
        tables = {key: value for key, value in options.items() if isinstance(value, Mapping)}
        lines += [f"[{name}]", *(f"{key} = {json.dumps(value)}" for key, value in options.items() if key not in tables)]
        for table, values in tables.items():
            lines += [f"[{name}.{table}]", *(f"{key} = {json.dumps(value)}" for key, value in values.items())]
    return "\n".join(lines) + "\n"


@dataclass
class Repository:
    """The repository.

    Args:
        folder: Its root.
        connection: How to connect to the Snowflake that commands use where no other connection is named.
        ran: What each command printed, in order, as a person types it.
    """

    folder: Path
    connection: Mapping[str, Any]
    ran: list[Shown] = field(default_factory=list)

    def create(self) -> None:
        """Write and commit the project, of one candidate, with its data and targets."""
        tiny(self.folder / "projects")
        declared = PROJECT["project.yaml"].replace("  - {name: tight, params: {c: 0.001}}\n", "")
        old = next(line for line in declared.splitlines() if line.startswith("metric:"))
        self.write("project.yaml", declared.replace(old, METRIC))
        self.write("features.sql", OF_X)
        (self.folder / "targets.yaml").write_text(TARGETS)
        (self.folder / "data" / "tiny").mkdir(parents=True)
        (self.folder / "data" / "tiny" / "events.csv").write_text(events(300))
        self.git("init", "-b", "main")
        self.commit("first")

    def write(self, file: str, text: str) -> None:
        """Write a file of the project."""
        (self.folder / "projects" / "tiny" / file).write_text(text)

    def change(self, file: str, old: str, new: str) -> None:
        """Change a text of a file of the project, which must be there."""
        text = (self.folder / "projects" / "tiny" / file).read_text()
        assert old in text
        self.write(file, text.replace(old, new))

    def git(self, *command: str) -> str:
        """Run git."""
        identity = ("-c", "user.name=test", "-c", "user.email=test@example.com")
        done = subprocess.run(["git", *identity, *command], cwd=self.folder, check=True, capture_output=True, text=True)
        return done.stdout.strip()

    def commit(self, message: str) -> None:
        """Commit everything."""
        self.git("add", ".")
        self.git("commit", "-q", "-m", message)

    def branch(self, name: str) -> None:
        """Begin a branch from main."""
        self.git("checkout", "-q", "main")
        self.git("checkout", "-q", "-b", name)

    def merge(self, name: str) -> None:
        """Merge a branch into main, and be there."""
        self.git("checkout", "-q", "main")
        self.git("merge", "-q", "--no-ff", "-m", f"Merge {name}", name)

    @property
    def settings(self) -> dict[str, str]:
        """The environment of a command."""
        home = self.folder.parent / "home"
        home.mkdir(exist_ok=True)
        (file := home / "default.toml").write_text(connections({"default": self.connection}))
        unset = ("SNOWLOOP_GIT_COMMIT", "SNOWLOOP_TARGETS", "SNOWLOOP_TARGET", "GITHUB_RUN_ID", "CI_JOB_URL")
        kept = {name: value for name, value in environment().items() if name not in unset}
        places = {"SNOWLOOP_PROJECTS": str(self.folder / "projects"), "SNOWLOOP_CONNECTIONS": str(file)}
        return {**kept, **places, "SNOWFLAKE_HOME": str(home)}

    def command(self, *arguments: str) -> list[str]:
        """A command of ``snowloop`` on the project; ``ci --sweep`` knows none."""
        project = () if "--sweep" in arguments else ("--project", "tiny")
        return [sys.executable, "-m", "snowloop.cli.main", arguments[0], *project, *arguments[1:]]

    def snowloop(self, *arguments: str, code: int = 0) -> Ran:
        """Run a command to its end, which must be of this exit code."""
        done = subprocess.run(
            self.command(*arguments),
            cwd=self.folder,
            env=self.settings,
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )
        ran = Ran(done.returncode, done.stdout, done.stderr)
        assert ran.code == code, f"{' '.join(arguments)} ended with {ran.code}:\n{ran.out}\n{ran.err}"
        self._printed(shlex.join(("snowloop", arguments[0], "-p", "tiny", *arguments[1:])), ran.out or ran.err)
        return ran

    def _printed(self, command: str, output: str) -> None:
        """Keep what a command printed; also in the file that SNOWLOOP_WRITE_TRANSCRIPT names, for a page to copy."""
        self.ran.append(Shown(command, output))
        file = os.environ.get("SNOWLOOP_WRITE_TRANSCRIPT")
        if file:
            with Path(file).open("a", encoding="utf-8") as transcript:
                transcript.write(f"$ {command}\n{output}\n")

    def ci(self, *arguments: str, code: int = 0) -> tuple[dict[str, Any], str]:
        """Run ``snowloop ci`` as a workflow does; its JSON, and its report."""
        report = self.folder.parent / "report.md"
        options = ("--against", "staging", "--base", "main", "--report", str(report), "--json")
        ran = self.snowloop("ci", *options, *arguments, code=code)
        typed = "snowloop ci -p tiny --against staging --base main --report report.md"
        self._printed(typed, report.read_text())
        return json.loads(ran.out), report.read_text()

    def begin(self, *arguments: str) -> "subprocess.Popen[str]":
        """Begin a command that is to be killed."""
        return subprocess.Popen(
            self.command(*arguments),
            cwd=self.folder,
            env=self.settings,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            text=True,
        )
