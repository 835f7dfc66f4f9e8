"""A run that is interrupted takes along what it has started."""

from __future__ import annotations

import os
import signal
import time

import pytest

from stack import snowflake
from tests.support.commandline import Stack

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
TWICE = "SELECT ID FROM CREDIT_APPROVAL_DEV.SERVING.SCORED GROUP BY ID HAVING COUNT(*) > 1"
IGNORING_SHELL = ["sh", "-c", 'trap "" INT; exec "$@"', "sh"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_stops_what_was_started_even_behind_a_shell_that_ignores_it(stack, number):
    command = [*IGNORING_SHELL, *stack.command("run")]
    with stack.begun(command) as run:
        assert run.stdout is not None
        assert run.stdout.readline().startswith("✓ local Snowflake")
        server = snowflake.find(stack.state)
        assert server is not None
        time.sleep(1)
        run.send_signal(number)
        _, err = run.communicate(timeout=60)
    assert run.returncode == 130
    assert err == "stopped\n"
    assert server.identity.process() is None


def test_a_server_that_is_killed_while_rows_are_scored_loses_nothing(tmp_path):
    stack = Stack(tmp_path / "state")
    with stack.begun(stack.command("run")) as run:
        assert run.stdout is not None
        output = ""
        for line in run.stdout:
            output += line
            if line.startswith("✓ arrive 1 "):
                server = snowflake.find(stack.state)
                assert server is not None
                os.kill(server.identity.pid, signal.SIGKILL)
        code = run.wait(120)
    assert code == 1, output
    assert "↻ await scores 1" in output
    assert "The run failed at await scores 1:" in output
    ran = stack("run")
    assert ran.code == 0, ran.out + ran.err
    arrived = ran.figures("reconcile")
    assert int(arrived["arrived"].replace(",", "")) > 0
    assert arrived["pending"] == "0"
    assert stack.query(TWICE) == []
