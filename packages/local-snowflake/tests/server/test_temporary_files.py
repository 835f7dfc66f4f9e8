"""What handlers leave in their temporary directory goes with their process, and all of it with the server."""

import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import snowflake.connector
from snowflake.connector.errors import ProgrammingError

from local_snowflake.testing import LocalSnowflake

LEAVES_A_FOLDER = """CREATE FUNCTION LEAVE_A_FOLDER(STRUCK BOOLEAN) RETURNS VARCHAR LANGUAGE PYTHON
RUNTIME_VERSION = '3.11' HANDLER = 'f' AS $$
import os, signal, tempfile
def f(struck):
    place = tempfile.mkdtemp()
    if struck:
        os.kill(os.getpid(), signal.SIGKILL)
    return place
$$"""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The system's temporary directory, as the server sees it."""
    made = tmp_path / "tmp"
    made.mkdir()
    monkeypatch.setenv("TMPDIR", str(made))
    return made


@pytest.fixture
def server(tmp_path: Path, place: Path) -> Iterator[LocalSnowflake]:
    started = LocalSnowflake(tmp_path / "data").start()
    with snowflake.connector.connect(**started.connection()) as connection:
        connection.cursor().execute("CREATE DATABASE T")
        connection.cursor().execute(LEAVES_A_FOLDER)
    yield started
    started.stop()


def call(server: LocalSnowflake, *, struck: bool) -> None:
    with snowflake.connector.connect(**server.connection(), database="T", schema="PUBLIC") as connection:
        cursor = connection.cursor()
        cursor.execute(f"SELECT LEAVE_A_FOLDER({struck})")


def directories_in(place: Path) -> list[Path]:
    """Those that handlers have made, each in the directory of its process."""
    return [path for path in place.glob("snowflake-*/*/tmp*") if path.is_dir()]


def left_in(place: Path, pattern: str) -> list[Path]:
    """What stays: that of a process that was asked to end may take a moment to go."""
    deadline = time.monotonic() + 30
    while (found := list(place.glob(pattern))) and time.monotonic() < deadline:
        time.sleep(0.05)
    return found


@pytest.mark.slow
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_nothing_is_left_when_the_server_is_gone(server: LocalSnowflake, place: Path, how: signal.Signals) -> None:
    call(server, struck=False)
    assert len(directories_in(place)) == 1
    server.stop(how)
    assert left_in(place, "*") == []


@pytest.mark.slow
def test_a_process_that_dies_leaves_nothing(server: LocalSnowflake, place: Path) -> None:
    with pytest.raises(ProgrammingError, match="ended by signal SIGKILL"):
        call(server, struck=True)
    assert left_in(place, "*/*/*") == []
    call(server, struck=False)
    assert len(directories_in(place)) == 1
