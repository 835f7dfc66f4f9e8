"""A run whose local Snowflake ends does not wait for it for ever."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from stack.events import RunEvent, StageEvent, read_events
from stack.processes import ProcessId
from stack.snowflake import Snowflake, Watch
from stack.state import StackError


@pytest.fixture
def server(tmp_path: Path):
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        identity = ProcessId.of(process.pid)
        yield process, Snowflake(identity, 0, 0, "", tmp_path, kept=True)
        process.kill()


@pytest.fixture
def pipe():
    reading, writing = os.pipe()
    with os.fdopen(writing, "w") as events:
        yield reading, events
    os.close(reading)


def test_events_are_read_until_the_writer_ends(server, pipe, tmp_path):
    (_, running), (reading, events) = server, pipe
    for event in (StageEvent("train.load", "success"), RunEvent("run", "success")):
        print(event.to_json(), file=events)
    events.close()
    found = list(read_events(reading, Watch(running, tmp_path / "log", 0).check, every=0.05))
    assert found == [StageEvent("train.load", "success"), RunEvent("run", "success")]


@pytest.mark.timeout(20)
def test_a_server_that_is_killed_ends_the_wait_for_the_next_event_in_words(server, pipe, tmp_path):
    (process, running), (reading, events) = server, pipe
    (tmp_path / "log").write_text("out of memory\n")
    print(StageEvent("train.load", "running").to_json(), file=events, flush=True)
    read = read_events(reading, Watch(running, tmp_path / "log", 0.2).check, every=0.05)
    assert next(read) == StageEvent("train.load", "running")
    threading.Timer(0.2, process.kill).start()
    with pytest.raises(StackError, match=r"the local Snowflake ended, and the run did not within 0.2 s") as ended:
        next(read)
    assert "out of memory" in str(ended.value)
