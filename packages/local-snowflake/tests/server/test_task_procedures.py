"""Tasks that call procedures, wait for locks, and overlap."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
import snowflake.connector
from snowflake.connector.errors import ProgrammingError
from tests.conformance.task_account import HISTORY, Account

PROCEDURE = """CREATE OR REPLACE PROCEDURE {}() RETURNS VARCHAR LANGUAGE PYTHON RUNTIME_VERSION = '3.11'
PACKAGES = ('snowflake-snowpark-python') HANDLER = 'run' AS $$
def run(session):
    {}
$$"""
CONSUME = """session.sql("BEGIN").collect()
    name = session.sql("SELECT SYSTEM$CURRENT_USER_TASK_NAME()").collect()[0][0]
    session.sql(f"INSERT INTO SINK SELECT I, '{name}' FROM CHANGES").collect()
    session.sql("COMMIT").collect()
    session.sql("CALL SYSTEM$SET_RETURN_VALUE('consumed')").collect()
    return "done"
"""
HANG = """import time
    session.sql("INSERT INTO SINK VALUES (0, 'hangs')").collect()
    time.sleep(100)
"""


@pytest.fixture(scope="module")
def sql(snowflake_connection: dict[str, Any]) -> Iterator[Account]:
    with snowflake.connector.connect(**snowflake_connection) as connection:
        account = Account(connection)
        account("CREATE WAREHOUSE IF NOT EXISTS T_WH")
        account("CREATE OR REPLACE DATABASE T_TASK_PROCEDURES")
        account("CREATE TABLE SINK (I INT, T STRING)")
        yield account


def test_a_procedure_works_in_its_tasks_session(sql: Account) -> None:
    sql("CREATE TABLE SOURCE (I INT)")
    sql("CREATE STREAM CHANGES ON TABLE SOURCE APPEND_ONLY = TRUE")
    sql(PROCEDURE.format("CONSUME", CONSUME))
    sql("CREATE TASK R WAREHOUSE = T_WH WHEN SYSTEM$STREAM_HAS_DATA('CHANGES') AS CALL CONSUME()")
    last = "INSERT INTO SINK SELECT 9, STATE FROM TABLE(INFORMATION_SCHEMA.TASK_HISTORY(TASK_NAME => 'R'))"
    sql(f"CREATE TASK F WAREHOUSE = T_WH FINALIZE = R AS {last} WHERE SCHEMA_NAME = 'PUBLIC' AND QUERY_ID IS NOT NULL")
    sql("SELECT SYSTEM$TASK_DEPENDENTS_ENABLE('R')")
    sql("INSERT INTO SOURCE VALUES (1), (2)")
    sql.until(lambda: sql.graphs("R"), "the triggered run")
    sql("ALTER TASK R SUSPEND")
    name = "T_TASK_PROCEDURES.PUBLIC.R"
    assert [(r["I"], r["T"]) for r in sql("SELECT * FROM SINK ORDER BY I")] == [(1, name), (2, name), (9, "SUCCEEDED")]
    assert sql.runs("R")[0]["RETURN_VALUE"] == "consumed"
    assert sql("SELECT SYSTEM$STREAM_HAS_DATA('CHANGES') AS MORE")[0]["MORE"] is False


def test_a_time_out_ends_a_procedure(sql: Account) -> None:
    sql(PROCEDURE.format("HANG", HANG))
    sql("CREATE OR REPLACE TASK H WAREHOUSE = T_WH USER_TASK_TIMEOUT_MS = 6000 AS CALL HANG()")
    began = time.monotonic()
    assert sql.execute("H")["STATE"] == "FAILED"
    assert time.monotonic() - began < 100, "it would sleep as long"
    assert sql.runs("H")[0]["ERROR_CODE"] == "000630"


def test_a_cancelled_run_is_neither_retried_nor_counted_and_writes_nothing(sql: Account) -> None:
    sql(PROCEDURE.format("HANG_IN_TRANSACTION", 'session.sql("BEGIN").collect()\n    ' + HANG))
    sql(
        "CREATE OR REPLACE TASK C WAREHOUSE = T_WH TASK_AUTO_RETRY_ATTEMPTS = 2 SUSPEND_TASK_AFTER_NUM_FAILURES = 1 "
        "SCHEDULE = '1 HOUR' AS CALL HANG_IN_TRANSACTION()"
    )
    sql("CREATE TASK CF WAREHOUSE = T_WH FINALIZE = C AS SELECT 1")
    sql("SELECT SYSTEM$TASK_DEPENDENTS_ENABLE('C')")
    before = sql("SELECT COUNT(*) AS N FROM SINK")
    sql("EXECUTE TASK C")
    sql.until(lambda: sql(f"SELECT * FROM {HISTORY} WHERE NAME = 'C' AND STATE = 'EXECUTING'"), "the run")
    (row,) = sql("SELECT SYSTEM$USER_TASK_CANCEL_ONGOING_EXECUTIONS('PUBLIC.C') AS DONE")
    assert row["DONE"] == "1 executions of task T_TASK_PROCEDURES.PUBLIC.C cancelled."
    (graph,) = sql.until(lambda: sql.graphs("C"), "the end of the run")
    (run,) = sql.runs("C")
    assert (graph["STATE"], run["STATE"], run["ERROR_CODE"]) == ("CANCELLED", "CANCELLED", "000604")
    assert [r["STATE"] for r in sql.runs("CF")] == ["SUCCEEDED"]
    assert sql.task("C")["state"] == "started"
    assert sql("SELECT COUNT(*) AS N FROM SINK") == before
    sql("ALTER TASK C SUSPEND")
    with pytest.raises(ProgrammingError, match=r"T_TASK_PROCEDURES\.PUBLIC\.NOPE"):
        sql("SELECT SYSTEM$USER_TASK_CANCEL_ONGOING_EXECUTIONS('NOPE')")


def test_a_time_out_ends_the_wait_for_a_lock(sql: Account, snowflake_connection: dict[str, Any]) -> None:
    sql("CREATE OR REPLACE TABLE HELD (I INT)")
    sql("INSERT INTO HELD VALUES (1)")
    sql("CREATE OR REPLACE TASK L WAREHOUSE = T_WH USER_TASK_TIMEOUT_MS = 1500 AS UPDATE HELD SET I = 3")
    place = {"database": "T_TASK_PROCEDURES", "schema": "PUBLIC"}
    with snowflake.connector.connect(**snowflake_connection, **place) as other:
        cursor = other.cursor()
        cursor.execute("BEGIN")
        cursor.execute("UPDATE HELD SET I = 2")
        assert sql.execute("L")["STATE"] == "FAILED"
        cursor.execute("COMMIT")
    assert sql.runs("L")[0]["ERROR_CODE"] == "000630"
    assert sql("SELECT I FROM HELD") == [{"I": 2}]


@pytest.mark.parametrize(("policy", "seconds", "together"), [("NO_OVERLAP", 1, False), ("ALLOW_ALL_OVERLAP", 6, True)])
def test_overlap(sql: Account, policy: str, seconds: int, together: bool) -> None:
    name = f"O_{policy}"
    sql(f"CREATE TASK {name} WAREHOUSE = T_WH OVERLAP_POLICY = {policy} AS CALL SYSTEM$WAIT({seconds})")
    for _ in range(2):
        sql(f"EXECUTE TASK {name}")
    sql.until(lambda: len(sql.runs(name)) == 2, "both runs")
    first, second = sql.runs(name)
    assert (second["QUERY_START_TIME"] < first["COMPLETED_TIME"]) == together


def test_children_may_overlap_when_roots_may_not(sql: Account) -> None:
    sql("CREATE TASK CR WAREHOUSE = T_WH ALLOW_OVERLAPPING_EXECUTION = TRUE AS CALL SYSTEM$WAIT(200, 'MILLISECONDS')")
    sql("CREATE TASK CC WAREHOUSE = T_WH AFTER CR AS CALL SYSTEM$WAIT(8)")
    sql("ALTER TASK CC RESUME")
    sql("EXECUTE TASK CR")
    sql.until(lambda: sql.runs("CR"), "the first root")
    time.sleep(0.2)
    sql("EXECUTE TASK CR")
    sql.until(lambda: len(sql.runs("CC")) == 2, "both children")
    first, second = sql.runs("CC")
    assert second["QUERY_START_TIME"] < first["COMPLETED_TIME"]


def test_dependents_of_a_started_root_are_enabled(sql: Account) -> None:
    sql("CREATE TASK ER WAREHOUSE = T_WH SCHEDULE = '1 HOUR' AS SELECT 1")
    sql("CREATE TASK EC WAREHOUSE = T_WH AFTER ER AS SELECT 1")
    sql("ALTER TASK ER RESUME")
    assert sql("SELECT SYSTEM$TASK_DEPENDENTS_ENABLE('ER') AS DONE") == [{"DONE": "true"}]
    assert sql.task("EC")["state"] == "started"
    assert sql.execute("ER")["GRAPH_VERSION"] == 2
