"""The local Snowflake of the stack: used if it is running, else started, and stopped only by who started it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import requests
from tenacity import (
    Retrying,
    retry_if_exception_type,
    retry_if_result,
    stop_after_attempt,
    stop_after_delay,
    wait_fixed,
)

from stack.holder import Hold
from stack.processes import ProcessId, start, stop, tail
from stack.state import StackError, State

ACCOUNT, USER = "local", "snowloop"
START_SECONDS = 60.0
GONE_SECONDS = 60.0
"""For how long a run without its server may go on: its own retries end it with the reason of its stage."""


@dataclass(frozen=True)
class Snowflake:
    """A running local Snowflake, and how clients connect to it.

    Attributes:
        identity: Its process.
        port: HTTPS port.
        http_port: HTTP port, on loopback alone.
        token: Password.
        ca_bundle: Certificates to trust: the public ones and its own.
        kept: Whether it was running already.
    """

    identity: ProcessId
    port: int
    http_port: int
    token: str
    ca_bundle: Path
    kept: bool

    def airflow_connection(self) -> str:
        """Describe the connection as Airflow wants it: as JSON, the password included."""
        extra = {
            "account": ACCOUNT,
            "host": "localhost",
            "port": self.port,
            "insecure_mode": True,  # the certificate is the server's own: there is no revocation list to ask
        }
        connection = {"conn_type": "snowflake", "login": USER, "password": self.token, "extra": extra}
        return json.dumps(connection)


class Watch:
    """Ends a wait for what needs the local Snowflake, some time after that has ended.

    Args:
        server: The server.
        log: Its log.
        seconds: How long after.
    """

    def __init__(self, server: Snowflake, log: Path, seconds: float = GONE_SECONDS) -> None:
        self._server, self._log, self._seconds = server, log, seconds
        self._gone_since: float | None = None

    def check(self) -> None:
        """Look at the server.

        Raises:
            StackError: If it ended longer ago than it may.
        """
        if self._server.identity.process() is not None:
            return
        now = time.monotonic()
        self._gone_since = now if self._gone_since is None else self._gone_since
        if now - self._gone_since >= self._seconds:
            message = (
                f"the local Snowflake ended, and the run did not within {self._seconds:g} s: it is stopped, and can be "
                f"started again; {self._log} says:\n{tail(self._log)}"
            )
            raise StackError(message)


def find(state: State) -> Snowflake | None:
    """Find the local Snowflake that runs on the state directory; None when none answers."""
    server = _address(state.snowflake / "server.json")
    if server is None:
        return None
    identity = _identity(server)
    if identity.process() is None or not _is_healthy(int(server["http_port"])):
        return None
    token = (state.snowflake / "token").read_text().strip()
    ports = int(server["port"]), int(server["http_port"])
    return Snowflake(identity, *ports, token, state.snowflake / "ca-bundle.pem", kept=True)


def process_of(state: State) -> ProcessId | None:
    """Find the process that serves the state directory, whoever has started it, also when it does not answer; or None.

    Raises:
        StackError: If the server's file cannot be read.
    """
    server = _address(state.snowflake / "server.json")
    identity = _identity(server) if server else None
    return identity if identity and identity.process() else None


def _identity(server: dict[str, Any]) -> ProcessId:
    return ProcessId(int(server["pid"]), float(server.get("created", 0)))


def _address(file: Path) -> dict[str, Any] | None:
    """Read where the server says that it answers; a file that is being written is read again."""
    patient = Retrying(
        retry=retry_if_exception_type(ValueError), stop=stop_after_attempt(3), wait=wait_fixed(0.2), reraise=True
    )
    try:
        return dict(patient(lambda: json.loads(file.read_text())))
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise StackError(f"{file} does not contain a server's address ({error}): remove it and try again") from error


def _ensure(hold: Hold) -> Snowflake:
    """Give the local Snowflake of the state directory, started if it is not running."""
    running = find(hold.state)
    if running is not None:
        return running
    log = hold.state.logs / "snowflake.log"
    command = [sys.executable, "-m", "local_snowflake", "serve", "--data-dir", str(hold.state.snowflake)]
    process = start(command, log=log, environment=os.environ | {"PYTHONUNBUFFERED": "1"})
    identity = ProcessId.of(process.pid)
    hold.add("local Snowflake", identity)
    try:
        return _wait(hold.state, process, log)
    except BaseException:
        stop(identity)
        raise


def _wait(state: State, process: subprocess.Popen[bytes], log: Path) -> Snowflake:
    def started() -> Snowflake | None:
        server = find(state)
        if server is not None and server.identity.pid == process.pid:
            return replace(server, kept=False)
        if process.poll() is not None:
            raise StackError(f"the local Snowflake ended with code {process.returncode}; {log} says:\n{tail(log)}")
        return None

    patient = Retrying(
        retry=retry_if_result(lambda server: server is None),
        stop=stop_after_delay(START_SECONDS),
        wait=wait_fixed(0.1),
        retry_error_callback=lambda _attempts: None,
    )
    server: Snowflake | None = patient(started)
    if server is None:
        raise StackError(f"the local Snowflake did not answer within {START_SECONDS:.0f} s; {log} says:\n{tail(log)}")
    return server


@contextmanager
def running(hold: Hold) -> Iterator[Snowflake]:
    """Have a local Snowflake for the time of a block; it is stopped after the block only if it was started for it.

    Raises:
        StackError: If it ends or does not answer in time.
    """
    server = _ensure(hold)
    try:
        yield server
    finally:
        if not server.kept:
            stop(server.identity)


def _is_healthy(port: int) -> bool:
    """Whether the server's database runs statements; it asks that itself."""
    with requests.Session() as http:
        http.trust_env = False
        try:
            return bool(http.get(f"http://127.0.0.1:{port}/health", timeout=5).ok)
        except requests.RequestException:
            return False
