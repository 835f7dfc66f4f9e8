"""The connection file of a state directory, in the format of Snowflake's connections.toml, and what starts its server.

Clients without another connection may use it, as the command line of Snowloop does: they run the executable next to
it, which prints READY when the server of the file answers and keeps it running until its input is closed.
"""

from __future__ import annotations

import json
import shlex
import sys

from stack import snowflake
from stack.holder import hold, read
from stack.state import REPOSITORY, State, python_command, write_private

READY = "ready"
COMMAND = "serve"
PATIENCE = 60.0
"""Seconds to wait for another command to end, such as one that serves another client."""


def write_connection_file(state: State, server: snowflake.Snowflake) -> None:
    """Write how a client connects to the running local Snowflake, and the executable that starts it."""
    settings = {
        "account": snowflake.ACCOUNT,
        "user": snowflake.USER,
        "password": server.token,
        "host": "127.0.0.1",
        "port": server.http_port,
        "protocol": "http",  # on loopback alone; so a client needs no trust in the server's own certificate
    }
    lines = [f"{name} = {json.dumps(value)}" for name, value in settings.items()]
    write_private(state.connections_file, "\n".join(["[default]", *lines, ""]))
    command = python_command("stack", COMMAND, "--state-dir", str(state.root))
    script = f"#!/bin/sh\ncd {shlex.quote(str(REPOSITORY))} && exec {command}\n"
    write_private(state.start_file, script, executable=True)


def serve(state: State) -> None:
    """Have a local Snowflake until the standard input is closed; one that runs already is left running.

    Raises:
        StackError: If the server does not start, or another command keeps using the state directory without one.
    """
    state.prepare()
    holder, server = read(state), snowflake.find(state)
    if holder is not None and holder.command != COMMAND and server is not None:
        write_connection_file(state, server)
        _wait_for_client()
        return
    with hold(state, COMMAND, patience=PATIENCE) as held, snowflake.running(held) as started:
        write_connection_file(state, started)
        _wait_for_client()


def _wait_for_client() -> None:
    print(READY, flush=True)
    sys.stdin.read()
