"""The whole job on the shipped sample: run, run again, and lose the server in between."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import psutil
import pytest

from stack import snowflake
from tests.e2e.conftest import PLANTED
from tests.support.commandline import Stack

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

STAGES = [
    "create",
    "load",
    "contract",
    "training set",
    "candidate logistic",
    "candidate boosting",
    "evaluate logistic",
    "evaluate boosting",
    "gate",
    "promote",
    "deploy",
    *(f"{stage} {number}" for number in (1, 2, 3) for stage in ("arrive", "await scores")),
    "reconcile",
    "monitor",
]
DATABASE = "CREDIT_APPROVAL_DEV"
COUNTS = f"""
SELECT (SELECT COUNT(*) FROM {DATABASE}.RAW.APPLICATION_RECORD), (SELECT COUNT(*) FROM {DATABASE}.SERVING.SCORED),
       (SELECT COUNT(*) FROM {DATABASE}.SERVING.QUARANTINE),
       (SELECT COUNT(*) FROM {DATABASE}.OPS.RUNS)
"""
TWICE = f"""
SELECT ID, COUNT(*) FROM (SELECT ID FROM {DATABASE}.SERVING.SCORED) GROUP BY ID HAVING COUNT(*) > 1
"""


@pytest.fixture(scope="module")
def stack(life_cycle):
    return life_cycle[0]


@pytest.fixture(scope="module")
def first(life_cycle):
    return life_cycle[1]


def test_no_secret_is_in_what_a_run_prints_and_leaves_behind(stack, first):
    """Logs, XComs and rendered templates in the metadata database, reports: whatever is not a store of secrets."""
    own = (stack.state.snowflake / "token").read_text().strip()
    stores = [stack.state.connections_file, *stack.state.airflow.glob("*.secret")]
    secrets = {own, *(each.read_text().strip() for each in stores[1:])}
    secrets |= {value for name, value in PLANTED.items() if "CONN" not in name} | {"planted-connection-5512"}
    assert own in stores[0].read_text()
    looked_at = [
        file
        for file in stack.state.root.rglob("*")
        if file.is_file() and file not in stores and not file.is_relative_to(stack.state.snowflake)
    ]
    assert {"airflow.db", "run.log", "report.html"} <= {file.name for file in looked_at}
    found = [
        (file.name, secret[:7]) for file in looked_at for secret in secrets if secret.encode() in file.read_bytes()
    ]
    assert found == []
    assert not any(secret in first.out + first.err for secret in secrets)


def test_every_stage_has_one_line_in_order(first):
    lines = [line[2:].split("  ")[0] for line in first.out.splitlines() if line.startswith("✓ ")]
    stages = [stage for stage in lines if stage in STAGES]
    assert sorted(stages) == sorted(STAGES)
    assert [stage.split()[0] for stage in stages] == [stage.split()[0] for stage in STAGES]


def test_the_summary_names_champion_verdict_rows_and_report(stack, first):
    assert "The run succeeded." in first.out
    for word in ("champion", "verdict", "rows", "report", "all is kept in"):
        assert f"\n{word}" in first.out
    page = next(line for line in first.out.splitlines() if line.startswith("page of the report")).split()[-1]
    assert page.startswith(str(stack.state.root))
    assert "Passed the gate" in Path(page).read_text()


def test_the_local_snowflake_is_stopped_after_the_run(stack, first):
    assert snowflake.find(stack.state) is None


def test_the_command_line_works_at_once_and_leaves_the_server_as_it_found_it(stack, first):
    """It needs no option for the connection: what is in the state directory names it, and starts the server."""
    (command,) = [line for line in first.out.splitlines() if line.startswith("scoring loop")]
    assert command.endswith(".venv/bin/snowloop status --project credit_approval")
    assert snowloop(stack, "status") == 0
    assert snowflake.find(stack.state) is None
    with stack.served() as server:
        assert [snowloop(stack, command) for command in ("plan", "score-card", "health")] == [0, 0, 0]
        assert server.identity.process() is not None


def snowloop(stack: Stack, command: str) -> int:
    """The exit code of a command that is given no connection."""
    ran = stack.snowloop(command, "--project", "credit_approval")
    assert ran.err == f"snowloop: no connection is named, so that of {stack.state.connections_file} is used\n"
    return ran.code


def test_each_file_that_arrived_was_scored_by_the_native_task(stack, first):
    with stack.served():
        assert len(stack.query(f"SELECT DISTINCT MODEL_VERSION FROM {DATABASE}.SERVING.SCORED")) == 1
        assert stack.query(TWICE) == []
        assert stack.query(COUNTS)[0][1] > 0


def test_a_second_run_uses_the_server_that_is_running_keeps_everything_and_scores_nothing_twice(stack, first):
    with stack.served() as server:
        before = stack.query(COUNTS)
        ran = stack("run", "--project", "credit_approval")
        assert ran.code == 0, ran.out + ran.err
        assert "kept as it was" in ran.out
        assert "kept" in ran.line("local Snowflake")
        assert ran.figures("load")["loaded"] == "0"
        assert ran.figures("await scores 1")["runs"] == "0"
        assert stack.query(COUNTS) == before
        assert stack.query(TWICE) == []
        assert server.identity.process() is not None


def test_a_server_that_is_killed_loses_nothing(stack, first):
    with stack.served() as server:
        before = stack.query(COUNTS)
        os.kill(server.identity.pid, signal.SIGKILL)
        psutil.wait_procs([psutil.Process(server.identity.pid)], timeout=10)
    assert stack.query(COUNTS) == before
