"""A running local Snowflake for the tests, started on a free port in a temporary folder; and a home for Airflow."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from snowflake.snowpark.session import _get_active_sessions

ROOT = Path(__file__).resolve().parents[1]
_START_SECONDS = 120
# Airflow writes its configuration where it is imported
_AIRFLOW_HOME = tempfile.TemporaryDirectory(prefix="airflow-", ignore_cleanup_errors=True)
os.environ.setdefault("AIRFLOW_HOME", _AIRFLOW_HOME.name)
# what the tests start hears of a closed terminal, also where the tests themselves run under nohup
signal.signal(signal.SIGHUP, signal.SIG_DFL)


class LocalSnowflake:
    """A server process over a data directory; it may be stopped, killed and started again."""

    def __init__(self, data_dir: Path, packages: Path | None = None, options: Sequence[str] = ()) -> None:
        self.data_dir = data_dir
        # further ones of the command line
        self._options = options
        # where the server finds packages beside those of its environment
        self._path = os.pathsep.join(str(p) for p in (ROOT, packages) if p)
        self._process: subprocess.Popen[str] | None = None

    @property
    def pid(self) -> int:
        """The server's process id."""
        assert self._process
        return self._process.pid

    def start(self) -> LocalSnowflake:
        """Start the server and wait until it is ready."""
        self.data_dir.mkdir(parents=True, exist_ok=True)
        log = (self.data_dir / "server.log").open("a")
        command = [sys.executable, "-m", "local_snowflake", "serve", "--data-dir", str(self.data_dir), *self._options]
        environment = os.environ | {"PYTHONPATH": self._path}
        self._process = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=log, text=True
        )
        assert self._process.stdout
        deadline = time.monotonic() + _START_SECONDS
        line = self._process.stdout.readline()
        if not line.startswith("ready") or time.monotonic() > deadline:
            raise RuntimeError(f"the local Snowflake did not start: {line!r}; see {self.data_dir / 'server.log'}")
        return self

    def stop(self, how: signal.Signals = signal.SIGTERM) -> int | None:
        """Send a signal (SIGTERM: a clean stop; SIGKILL: as a power cut) and wait for the end; its exit code."""
        if self._process is None:
            return None
        if self._process.poll() is None:
            self._process.send_signal(how)
            self._process.wait(60)
        if self._process.stdout:
            self._process.stdout.close()
        return self._process.returncode

    def connection(self) -> dict[str, Any]:
        """Keyword arguments for the connector, as the command line prints them."""
        command = [sys.executable, "-m", "local_snowflake", "connection", "--data-dir", str(self.data_dir)]
        printed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
        return dict(json.loads(printed.stdout))


@pytest.fixture(scope="module", autouse=True)
def no_session_outlives_its_server() -> Iterator[None]:
    """Fail a module that leaves a Snowpark session of a stopped server open.

    The registry's client asks any open session of the process for its heartbeat, and for minutes where none answers.
    """
    yield
    sessions = set(_get_active_sessions(require_at_least_one=False))
    left = {port for port in (session.connection.port for session in sessions) if not _answers(port)}
    assert not left, f"Snowpark sessions are still open to the ports {left}: close them before their server stops"


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture(scope="session")
def local_snowflake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalSnowflake]:
    """One server for the whole test run. Tests use databases of their own in it."""
    server = LocalSnowflake(tmp_path_factory.mktemp("local_snowflake") / "data").start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def snowflake_connection(local_snowflake: LocalSnowflake) -> dict[str, Any]:
    """How to connect to the running local Snowflake."""
    return local_snowflake.connection()


@pytest.fixture
def own_snowflake(tmp_path: Path) -> Iterator[LocalSnowflake]:
    """A server that belongs to one test, which may stop, kill and restart it."""
    server = LocalSnowflake(tmp_path / "data")
    server.start()
    yield server
    server.stop()
