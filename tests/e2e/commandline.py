"""Runs the stack's command line as a person does, and reads what it left in the local Snowflake."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stack import snowflake
from stack.state import State

REPOSITORY = Path(__file__).resolve().parents[2]


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": os.pathsep.join([str(REPOSITORY / "plugins"), str(REPOSITORY)])}


@dataclass
class Ran:
    """How a command ended, and what it printed."""

    code: int
    out: str
    err: str

    def line(self, stage: str) -> str:
        """The progress line of a stage."""
        found = [line for line in self.out.splitlines() if line[2:].startswith(f"{stage} ")]
        assert len(found) == 1, f"{len(found)} lines of {stage} in:\n{self.out}\n{self.err}"
        return found[0]

    def figures(self, stage: str) -> dict[str, str]:
        """The figures on the progress line of a stage."""
        told = self.line(stage).split(" s   ", 1)[1]
        return dict(figure.rsplit(" ", 1) for figure in told.split(" · ") if " " in figure)


class Stack:
    """The stack on a state directory of its own."""

    def __init__(self, directory: Path) -> None:
        self.state = State(directory)

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "stack", *arguments, "--state-dir", str(self.state.root)]

    def __call__(self, *arguments: str, timeout: int = 600) -> Ran:
        ended = subprocess.run(
            self.command(*arguments),
            cwd=REPOSITORY,
            env=environment(),
            capture_output=True,
            text=True,
            check=False,
            timeout=timeout,
        )
        return Ran(ended.returncode, ended.stdout, ended.stderr)

    @contextmanager
    def connection(self) -> Iterator[Any]:
        """Connect to the local Snowflake of the state directory, started for it if it does not run."""
        from snowflake.connector import connect

        with snowflake.running(self.state.prepare()):
            command = [sys.executable, "-m", "local_snowflake", "connection", "--data-dir", str(self.state.snowflake)]
            told = subprocess.run(
                command, cwd=REPOSITORY, env=environment(), capture_output=True, text=True, check=True
            )
            with connect(**json.loads(told.stdout)) as connection:
                yield connection

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """Answer one query."""
        with self.connection() as connection:
            return list(connection.cursor().execute(sql).fetchall())
