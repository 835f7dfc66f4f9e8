"""Runs the stack's command line as a person does, and reads what it left in the local Snowflake."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from local_snowflake.testing import LocalSnowflake
from stack import snowflake
from stack.state import State
from stack.up import down

REPOSITORY = Path(__file__).resolve().parents[2]


def environment() -> dict[str, str]:
    """This process's environment, with the packages of this repository, whatever is installed."""
    folders = (REPOSITORY / "plugins", REPOSITORY, REPOSITORY / "packages" / "local-snowflake" / "src")
    return {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, folders))}


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
        output = self.line(stage).split(" s   ", 1)[1]
        return dict(figure.rsplit(" ", 1) for figure in output.split(" · ") if " " in figure)


class Stack:
    """The stack on a state directory of its own."""

    def __init__(self, directory: Path) -> None:
        self.state = State(directory)

    def command(self, *arguments: str) -> list[str]:
        """A command of the stack on the state directory."""
        return [sys.executable, "-m", "stack", *arguments, "--state-dir", str(self.state.root)]

    def copy(self, directory: Path) -> Stack:
        """The same on another state directory, with all that is in this one, of which nothing may run."""
        shutil.copytree(self.state.root, directory)
        return Stack(directory)

    def __call__(self, *arguments: str, timeout: float = 600) -> Ran:
        """Run a command of the stack to its end."""
        return self.run(self.command(*arguments), timeout)

    def snowloop(self, *arguments: str, timeout: float = 120) -> Ran:
        """Run a command of ``snowloop`` that finds its connection in the state directory, as after ``make run``."""
        variables = {"SNOWLOOP_CONNECTIONS": str(self.state.connections_file)}
        return self.run([sys.executable, "-m", "snowloop.cli.main", *arguments], timeout, variables)

    def trigger(self, *arguments: str) -> Ran:
        """Trigger a DAG; that command knows no state directory."""
        return self.run([sys.executable, "-m", "stack", "trigger", *arguments], 400)

    def run(self, command: Sequence[str], timeout: float, variables: Mapping[str, str] | None = None) -> Ran:
        """Run a command to its end."""
        with self.begun(command, variables=variables) as process:
            out, err = process.communicate(timeout=timeout)
        return Ran(process.returncode, out, err)

    @contextmanager
    def begun(
        self, command: Sequence[str], patience: float = 90, variables: Mapping[str, str] | None = None
    ) -> Iterator[subprocess.Popen[str]]:
        """Begin a command as from the folder of the repository; if the block fails, nothing of it lives on.

        Args:
            command: The command; it may start processes on the state directory.
            patience: How many seconds it may take to end when it is asked to.
            variables: Of its environment, besides this process's own.
        """
        pipe = subprocess.PIPE
        settings = environment() | dict(variables or {})
        with subprocess.Popen(command, cwd=REPOSITORY, env=settings, stdout=pipe, stderr=pipe, text=True) as process:
            try:
                yield process
            except BaseException as error:  # a time-out of the whole test too
                process.send_signal(signal.SIGINT)
                try:
                    output = process.communicate(timeout=patience)
                except subprocess.TimeoutExpired:
                    process.kill()
                    output = ("it was killed, so its output is not known", "")  # what it started may hold the pipes
                down(self.state, Console(quiet=True))
                error.add_note("\n".join(["it printed:", *output]))
                raise

    @contextmanager
    def served(self) -> Iterator[snowflake.Snowflake]:
        """The local Snowflake of the state directory, started by hand, as a person may, if it does not run."""
        running = snowflake.find(self.state)
        if running is not None:
            yield running
            return
        server = LocalSnowflake(self.state.prepare().snowflake).start()
        try:
            found = snowflake.find(self.state)
            assert found is not None
            yield found
        finally:
            server.stop()

    @contextmanager
    def connection(self) -> Iterator[Any]:
        """Connect to the local Snowflake of the state directory."""
        from snowflake.connector import connect

        with self.served(), connect(**LocalSnowflake(self.state.snowflake).connection()) as connection:
            yield connection

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """Answer one query."""
        with self.connection() as connection:
            return list(connection.cursor().execute(sql).fetchall())
