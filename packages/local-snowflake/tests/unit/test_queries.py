"""Queries in a session: names of columns, and describing, which does nothing."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from tests.unit.in_process import Runner

from local_snowflake.account import Account

WAIT_SECONDS = 60


@pytest.fixture(scope="module")
def run(account: Account) -> Iterator[Runner]:
    runner = Runner(account, account.sessions.open("TEST", "D"))
    runner("CREATE OR REPLACE SCHEMA QUERIES")
    runner("CREATE TASK TK SCHEDULE = '60 MINUTES' AS SELECT 1")
    yield runner
    runner("DROP SCHEMA QUERIES")
    account.sessions.close(runner.token)


@pytest.mark.parametrize(
    ("sql", "names"),
    [
        ("SELECT 3 :: int, sum( 1 ), 'James', 1+ 1 AS x", ["3 :: INT", "SUM( 1 )", "'JAMES'", "X"]),
        ("SELECT * FROM (SELECT 1 AS A, 2 AS E) PIVOT (SUM(A) FOR E IN (2 :: INT))", ["CAST(2 AS NUMBER(38,0))"]),
    ],
)
def test_columns_are_named_by_their_text(run: Runner, sql: str, names: list[str]) -> None:
    assert [column.name for column in run.result(sql).columns] == names
    assert [name for name, _ in run.describe(sql)] == names


def state(run: Runner) -> str:
    ((found,),) = run("""SHOW TASKS LIKE 'TK' IN SCHEMA D.QUERIES ->> SELECT "state" FROM $1""")
    return str(found)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT SYSTEM$TASK_DEPENDENTS_ENABLE('TK') AS DONE",
        "SELECT * FROM (SELECT SYSTEM$TASK_DEPENDENTS_ENABLE('TK') AS DONE)",
        "SELECT SYSTEM$TASK_DEPENDENTS_ENABLE('TK') AS DONE ->> SELECT DONE FROM $1",
    ],
)
def test_describing_resumes_no_task(run: Runner, sql: str) -> None:
    assert run.describe(sql) == [("DONE", "VARCHAR")]
    assert state(run) == "suspended"


def test_a_view_calls_its_functions_when_it_is_read(run: Runner) -> None:
    run("CREATE VIEW V AS SELECT SYSTEM$TASK_DEPENDENTS_ENABLE('TK') AS DONE")
    assert state(run) == "suspended"
    run("SELECT * FROM V")
    assert state(run) == "started"
    run("ALTER TASK TK SUSPEND")


def test_describing_does_not_wait(run: Runner) -> None:
    began = time.monotonic()
    assert run.describe(f"SELECT SYSTEM$WAIT({WAIT_SECONDS}) AS WAITED") == [("WAITED", "VARCHAR")]
    assert time.monotonic() - began < WAIT_SECONDS


def test_a_stream_is_described_as_a_boolean(run: Runner) -> None:
    run("CREATE TABLE T (I INT)")
    run("CREATE STREAM S ON TABLE T")
    assert [kind for _, kind in run.describe("SELECT SYSTEM$STREAM_HAS_DATA('S')")] == ["BOOLEAN"]
