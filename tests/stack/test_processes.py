"""Processes of the stack: started apart from the terminal, found by identity, ended with all they started."""

from __future__ import annotations

import os
import sys
import time

import psutil
import pytest

from stack.processes import ProcessId, end_session, start, stop, tail

FAMILY = "import subprocess, sys, time; subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']); "


@pytest.fixture
def spawn(tmp_path):
    started = []

    def run(code):
        process = start([sys.executable, "-c", code], log=tmp_path / "log")
        started.append(process)
        return ProcessId.of(process.pid)

    yield run
    for process in started:
        process.kill()
        process.wait()


def wait_for(condition):
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_process_has_its_own_session_and_its_output_goes_to_the_log(spawn, tmp_path):
    identity = spawn("import os; print(os.getsid(0) == os.getpid(), flush=True); import time; time.sleep(60)")
    wait_for(lambda: tail(tmp_path / "log") == "True")
    assert identity.process() is not None


def test_stop_ends_the_process_and_its_children(spawn):
    identity = spawn(FAMILY + "time.sleep(60)")
    wait_for(lambda: psutil.Process(identity.pid).children())
    child = psutil.Process(identity.pid).children()[0]
    assert stop(identity) is True
    assert identity.process() is None
    assert not child.is_running() or child.status() == psutil.STATUS_ZOMBIE
    assert stop(identity) is False


def test_what_a_killed_process_left_behind_is_found_by_its_session(spawn):
    killed, other = spawn(FAMILY + "time.sleep(60)"), spawn(FAMILY + "time.sleep(60)")
    wait_for(lambda: all(psutil.Process(each.pid).children() for each in (killed, other)))
    (orphan,), (stranger,) = (psutil.Process(each.pid).children() for each in (killed, other))
    psutil.Process(killed.pid).kill()
    wait_for(lambda: killed.process() is None)
    assert orphan.is_running()
    end_session(killed.pid)
    wait_for(lambda: not orphan.is_running() or orphan.status() == psutil.STATUS_ZOMBIE)
    assert stranger.is_running()
    stop(other)


def test_stop_kills_what_does_not_want_to_end(spawn, tmp_path):
    stubborn = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); "
    identity = spawn(stubborn + "time.sleep(60)")
    wait_for(lambda: tail(tmp_path / "log") == "up")
    assert stop(identity, seconds=0.3) is True
    assert identity.process() is None


def test_another_process_with_the_same_number_is_not_ours():
    assert ProcessId(os.getpid(), psutil.Process().create_time()).process() is not None
    assert ProcessId(os.getpid(), psutil.Process().create_time() - 100).process() is None
    assert stop(ProcessId(os.getpid(), 1.0)) is False
