"""Describing a statement tells its columns and does nothing: no function of it has an effect."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
import snowflake.connector
from snowflake.connector.cursor import SnowflakeCursor

WAIT_SECONDS = 60


@pytest.fixture(scope="module")
def cursor(snowflake_connection: dict[str, Any]) -> Iterator[SnowflakeCursor]:
    with snowflake.connector.connect(**snowflake_connection) as connection:
        made = connection.cursor()
        made.execute("CREATE OR REPLACE DATABASE T_DESCRIBE")
        made.execute("CREATE TASK TK SCHEDULE = '60 MINUTES' AS SELECT 1")
        yield made
        made.execute("DROP DATABASE T_DESCRIBE")


def state(cursor: SnowflakeCursor) -> str:
    found = cursor.execute("""SHOW TASKS LIKE 'TK' IN SCHEMA T_DESCRIBE.PUBLIC ->> SELECT "state" FROM $1""")
    return str(found.fetchall()[0][0])  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT SYSTEM$TASK_DEPENDENTS_ENABLE('TK') AS DONE",
        "SELECT * FROM (SELECT SYSTEM$TASK_DEPENDENTS_ENABLE('TK') AS DONE)",
        "SELECT SYSTEM$TASK_DEPENDENTS_ENABLE('TK') AS DONE ->> SELECT DONE FROM $1",
    ],
)
def test_describing_resumes_no_task(cursor: SnowflakeCursor, sql: str) -> None:
    assert [(c.name, c.type_code) for c in cursor.describe(sql)] == [("DONE", 2)]
    assert state(cursor) == "suspended"


def test_a_view_calls_its_functions_when_it_is_read(cursor: SnowflakeCursor) -> None:
    cursor.execute("CREATE VIEW V AS SELECT SYSTEM$TASK_DEPENDENTS_ENABLE('TK') AS DONE")
    assert state(cursor) == "suspended"
    cursor.execute("SELECT * FROM V")
    assert state(cursor) == "started"
    cursor.execute("ALTER TASK TK SUSPEND")


def test_describing_does_not_wait(cursor: SnowflakeCursor) -> None:
    began = time.monotonic()
    assert [c.name for c in cursor.describe(f"SELECT SYSTEM$WAIT({WAIT_SECONDS}) AS WAITED")] == ["WAITED"]
    assert time.monotonic() - began < WAIT_SECONDS


def test_a_stream_is_described_as_a_boolean(cursor: SnowflakeCursor) -> None:
    cursor.execute("CREATE TABLE T (I INT)")
    cursor.execute("CREATE STREAM S ON TABLE T")
    assert [c.type_code for c in cursor.describe("SELECT SYSTEM$STREAM_HAS_DATA('S')")] == [13]
