"""The connection file of a state directory, and the server that runs while a client needs it."""

from __future__ import annotations

import stat
import subprocess
import tomllib
from contextlib import contextmanager
from select import select

import pytest

from stack import snowflake
from stack.connections import READY, write_connection_file
from stack.holder import hold, read
from stack.processes import ProcessId
from stack.state import DEFAULT_DIRECTORY, State
from tests.support.commandline import Stack


@pytest.fixture
def stack(tmp_path):
    made = Stack(tmp_path / "state")
    made.state.prepare()
    return made


def test_the_file_is_a_connections_toml_that_only_its_owner_reads(stack, tmp_path):
    server = snowflake.Snowflake(ProcessId(1, 0.0), 4711, 4712, 'a "secret"', tmp_path / "ca.pem", kept=True)
    write_connection_file(stack.state, server)
    connection = tomllib.loads(stack.state.connections_file.read_text())["default"]
    assert (connection["host"], connection["port"], connection["protocol"]) == ("127.0.0.1", 4712, "http")
    assert (connection["account"], connection["user"], connection["password"]) == ("local", "snowloop", 'a "secret"')
    assert stat.S_IMODE(stack.state.connections_file.stat().st_mode) == 0o600
    assert stat.S_IMODE(stack.state.start_file.stat().st_mode) == 0o700


def test_the_hint_names_the_file_where_the_command_line_would_not_find_it(tmp_path):
    assert State(DEFAULT_DIRECTORY).status_hint("churn") == ".venv/bin/snowloop status --project churn"
    hint = State(tmp_path).status_hint("churn", "prod")
    assert (
        hint
        == f"SNOWLOOP_CONNECTIONS={tmp_path}/connections.toml .venv/bin/snowloop status --project churn --target prod"
    )


@contextmanager
def client(stack):
    """A client that has the server running."""
    command = [stack.state.start_file]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield process
        process.communicate("")


@contextmanager
def client_after(first, stack):
    """A client that begins when another one has the server running."""
    assert first.stdout.readline().strip() == READY
    with client(stack) as process:
        yield process


@pytest.mark.slow
def test_the_executable_keeps_a_server_until_its_input_is_closed_and_a_second_client_waits_for_its_turn(stack):
    with stack.served() as server:
        write_connection_file(stack.state, server)
    with client(stack) as first, client_after(first, stack) as second:
        assert not select([second.stdout], [], [], 1)[0]
        first.communicate("")
        assert second.stdout.readline().strip() == READY
        connection = tomllib.loads(stack.state.connections_file.read_text())["default"]
        running, holder = snowflake.find(stack.state), read(stack.state)
        assert running is not None
        assert holder is not None
        assert (connection["port"], holder.command) == (running.http_port, "serve")
    assert snowflake.find(stack.state) is None
    assert read(stack.state) is None


@pytest.mark.slow
def test_a_server_that_another_command_has_is_left_running(stack):
    with hold(stack.state, "up") as held, snowflake.running(held) as server:
        ran = stack("serve")
        assert (ran.code, ran.out) == (0, f"{READY}\n")
        assert snowflake.find(stack.state) is not None
        assert tomllib.loads(stack.state.connections_file.read_text())["default"]["port"] == server.http_port
