"""A look at the stack's processes outlives those of them that end meanwhile."""

from __future__ import annotations

import subprocess
import sys

import psutil

from stack.processes import ProcessId
from tests.stack.looking import addresses, descendants

LISTEN = """
import socket, sys
with socket.create_server(("127.0.0.1", 0)):
    print("listening", flush=True)
    sys.stdin.read()
"""


def listener():
    process = subprocess.Popen([sys.executable, "-c", LISTEN], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout
    assert process.stdout.readline() == "listening\n"
    return process


def test_a_process_that_ends_while_it_is_looked_at_is_left_out():
    with listener() as ended, listener() as running:
        looked_at = [psutil.Process(ended.pid), psutil.Process(running.pid)]
        identities = [ProcessId.of(ended.pid), ProcessId.of(running.pid)]
        assert descendants(identities) == set(looked_at)
        ended.communicate("")
        assert addresses(looked_at) == {"127.0.0.1"}
        assert descendants(identities) == {looked_at[1]}
