"""The compose stack runs a life cycle that is triggered over Airflow's REST API, and keeps what it did."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.compose.client import ROOT, ComposeStack

pytestmark = [pytest.mark.compose, pytest.mark.slow, pytest.mark.timeout(1800)]
RUNNING = {"postgres", "api-server", "scheduler", "dag-processor", "triggerer", "local-snowflake"}
ONCE = {"secrets", "init"}
DAG = "credit_approval__life_cycle"
DATABASE = "CREDIT_APPROVAL_DEV"
WENT_ASTRAY = f"""
SELECT ID, SUM(N) FROM (
    SELECT ID, 1 AS N FROM {DATABASE}.RAW.APPLICATION_RECORD
    UNION ALL SELECT ID, -1 FROM {DATABASE}.SERVING.BASELINE
    UNION ALL SELECT ID, -1 FROM {DATABASE}.SERVING.SCORED
    UNION ALL SELECT ID, -1 FROM {DATABASE}.SERVING.QUARANTINE
) GROUP BY ID HAVING SUM(N) <> 0
"""  # a key may come twice: the second row is quarantined


def test_services_are_healthy(compose_stack: ComposeStack) -> None:
    services = compose_stack.services()

    assert set(services) == RUNNING | ONCE
    assert {name: services[name]["Health"] for name in RUNNING} == dict.fromkeys(RUNNING, "healthy")
    assert {name: services[name]["ExitCode"] for name in ONCE} == dict.fromkeys(ONCE, 0)


@pytest.mark.parametrize("service", sorted(RUNNING - {"postgres"}))
def test_no_service_of_ours_runs_as_root(compose_stack: ComposeStack, service: str) -> None:
    assert compose_stack.compose("exec", "-T", service, "id", "-u").strip() == "50000"


def test_a_wrong_password_is_refused(compose_stack: ComposeStack) -> None:
    done = trigger(compose_stack, "not the password")

    assert done.returncode == 1
    assert "refused the login" in done.stderr


@pytest.fixture(scope="module")
def life_cycle(compose_stack: ComposeStack) -> str:
    """What the client printed while the life cycle ran."""
    done = trigger(compose_stack, compose_stack.password())
    if done.returncode:
        logs = compose_stack.compose("logs", "--no-color", "--tail", "60", "local-snowflake")
        pytest.fail(f"{done.stdout}\n{done.stderr}\n{logs}")
    return done.stdout


@pytest.mark.usefixtures("life_cycle")
def test_every_new_row_is_scored_or_quarantined_once(compose_stack: ComposeStack) -> None:
    scored, keys = counts(compose_stack, "SERVING.SCORED")
    quarantined, _ = counts(compose_stack, "SERVING.QUARANTINE")
    [[read]] = compose_stack.query(f"SELECT SUM(ROWS_READ) FROM {DATABASE}.OPS.RUNS")

    assert scored == keys > 0
    assert int(read) == scored + quarantined
    assert compose_stack.query(WENT_ASTRAY) == []


@pytest.mark.usefixtures("life_cycle")
def test_a_restarted_engine_has_lost_nothing(compose_stack: ComposeStack) -> None:
    before = counts(compose_stack, "SERVING.SCORED")

    compose_stack.compose("restart", "local-snowflake")
    compose_stack.up()

    assert counts(compose_stack, "SERVING.SCORED") == before


def trigger(stack: ComposeStack, password: str) -> subprocess.CompletedProcess[str]:
    """Trigger the life cycle from outside the stack, as `make compose-run` does."""
    command = [sys.executable, "-m", "stack", "trigger", "--url", stack.address(), "--dag", DAG]
    environment = os.environ | {"AIRFLOW_PASSWORD": password, "PYTHONPATH": str(ROOT)}
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=1200, check=False)


def counts(stack: ComposeStack, table: str) -> tuple[int, int]:
    """Rows and distinct keys of a table of the life cycle's database."""
    [[rows, keys]] = stack.query(f"SELECT COUNT(*), COUNT(DISTINCT ID) FROM {DATABASE}.{table}")
    return rows, keys
