"""A running server for the tests, started on a free port in a temporary folder."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from snowflake.snowpark.session import _get_active_sessions

from local_snowflake.testing import LocalSnowflake

# what the tests start hears of a closed terminal, also where the tests themselves run under nohup
signal.signal(signal.SIGHUP, signal.SIG_DFL)


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


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 24 MB; a test may ``mount -o remount`` it."""
    place = tmp_path / "disk"
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(place)]
    if os.geteuid() != 0 or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("a small file system cannot be mounted here")
    yield place
    subprocess.run(["umount", "--lazy", str(place)], check=True)
