"""One command at a time uses a state directory, and the next one ends what a killed one has left behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from contextlib import contextmanager

import psutil
import pytest

from stack import snowflake
from stack.holder import hold, read
from stack.processes import ProcessId, stop, tail
from stack.state import DEFAULT_DIRECTORY, REPOSITORY, StackError, State, python_command
from tests.support.commandline import Stack


@pytest.fixture
def stack(tmp_path):
    return Stack(tmp_path / "state")


@contextmanager
def holding(stack, *how):
    """A process that has the hold, and the child that it has started."""
    command = [sys.executable, "-m", "tests.stack.holding", str(stack.state.root), *how]
    with stack.begun(command, patience=2) as process:
        child = ProcessId.of(int(process.stdout.readline()))
        yield process, child
        process.kill()
        stop(child)


def command_at(state):
    found = read(state)
    assert found is not None
    return found


@pytest.mark.slow
@pytest.mark.parametrize("command", ["run", "up"])
def test_a_second_command_ends_at_once_and_says_which_one_is_at_work(stack, command):
    with holding(stack) as (process, child):
        (stack.state.logs / "run.log").write_text("of the first run\n")
        ran = stack(command)
        assert ran.code == 1
        assert f"run (pid {process.pid}) is using {stack.state.root}: wait for it, or stop it" in ran.err
        assert f"-m stack down --state-dir {stack.state.root}" in ran.err
        assert len(ran.err.splitlines()) == 1
        assert tail(stack.state.logs / "run.log") == "of the first run"
        assert child.process() is not None
        assert process.poll() is None


@pytest.mark.slow
@pytest.mark.parametrize(("command", "says"), [("run", "does not answer yet"), ("up", "is not healthy")])
def test_a_command_while_a_stack_is_coming_up_says_so(stack, command, says):
    with hold(stack.state.prepare(), "up", url="http://localhost:1"):
        ran = stack(command)
    assert ran.code == 1
    assert says in ran.err
    assert f"up (pid {os.getpid()}) is using" in ran.err


def test_the_hold_ends_with_its_block(stack):
    state = stack.state.prepare()
    with hold(state, "run"), pytest.raises(StackError, match="is using"), hold(state, "up"):
        pass
    assert read(state) is None
    with hold(state, "up"):
        assert command_at(state).command == "up"


def test_a_hint_is_a_command_that_can_be_typed_in_the_folder_of_the_repository(tmp_path):
    assert State(DEFAULT_DIRECTORY).hint("down") == "make down"
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    for hint, says in (
        (State(tmp_path).hint("down"), "The stack is not up."),
        (python_command("local_snowflake", "connection", "--help"), "usage: "),
    ):
        ran = subprocess.run(
            hint, shell=True, cwd=REPOSITORY, env=environment, capture_output=True, text=True, check=True
        )
        assert says in ran.stdout


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_what_was_started_even_if_it_comes_twice(stack, number):
    with holding(stack) as (process, child):
        process.send_signal(number)
        process.send_signal(number)
        process.wait(60)
        assert child.process() is None
        assert read(stack.state, dead=True) is None


def test_what_a_killed_command_has_left_is_ended_by_the_next_one(stack):
    with holding(stack) as (process, child):
        process.kill()
        process.wait()
        assert child.process() is not None
        assert read(stack.state) is None
        with hold(stack.state, "run"):
            assert child.process() is None


def test_a_command_may_wait_for_another_one_to_end(stack):
    with holding(stack) as (process, child):
        threading.Timer(0.5, process.kill).start()
        with hold(stack.state, "serve", patience=60):
            assert child.process() is None
            assert command_at(stack.state).command == "serve"


def test_a_lock_file_that_nobody_holds_is_no_obstacle(stack):
    state = stack.state.prepare()
    state.lock_file.write_text("")
    with hold(state, "run"):
        pass


def test_down_stops_a_command_that_is_at_work(stack):
    with holding(stack) as (process, child):
        assert "is down" in stack("down").out
        assert process.wait(60) != 0
        assert child.process() is None
    assert "not up" in stack("down").out


@pytest.mark.slow
def test_down_stops_what_a_killed_command_has_left_and_a_server_that_was_started_by_hand(stack):
    with holding(stack) as (process, child):
        process.kill()
        with stack.served() as server:
            assert "is down" in stack("down").out
            assert server.identity.process() is None
            assert child.process() is None
    assert "not up" in stack("down").out


def test_a_later_process_with_the_server_s_number_is_left_alone(stack):
    state = stack.state.prepare()
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, text=True) as other:
        created_at = psutil.Process(other.pid).create_time()
        for created, found in ((created_at, ProcessId(other.pid, created_at)), (created_at - 100, None)):
            address = {"pid": other.pid, "created": created, "port": 1}
            (state.snowflake / "server.json").write_text(json.dumps(address))
            assert snowflake.process_of(state) == found
        assert "not up" in stack("down").out
        assert other.poll() is None
        other.communicate("\n")


@pytest.mark.slow
@pytest.mark.parametrize("how", [[], ["deaf"]], ids=["hears signals", "deaf"])
def test_a_command_of_a_test_that_takes_too_long_leaves_nothing_behind(stack, how):
    with pytest.raises(subprocess.TimeoutExpired) as late, holding(stack, *how) as (process, child):
        process.communicate(timeout=0.1)
    assert "it printed" in late.value.__notes__[0]
    assert child.process() is None
