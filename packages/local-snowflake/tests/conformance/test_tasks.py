"""Tasks and their times: the numbered semantics T1 - T4, T10, T11 and T14."""

from __future__ import annotations

import time
from datetime import datetime, timedelta

import pytest
from tests.conformance.marks import deviates
from tests.conformance.task_account import HISTORY, Account, Make, make, resume, sql

__all__ = ["make", "sql"]  # fixtures


@pytest.fixture(scope="module", autouse=True)
def clockwork(sql: Account) -> None:
    """Tasks that need time: they run while the other tests do, which look at them last."""
    sql("CREATE SCHEMA CLOCK")
    sql("CREATE TABLE LOG (T STRING)")
    sql("CREATE TABLE SOURCE (I INT)")
    sql("CREATE STREAM CHANGES ON TABLE SOURCE APPEND_ONLY = TRUE")
    sql("CREATE TABLE SINK (I INT)")
    sql("CREATE TASK TICK WAREHOUSE = T_TASKS_WH SCHEDULE = '10 SECOND' AS INSERT INTO LOG VALUES ('tick')")
    sql("CREATE TASK BUSY WAREHOUSE = T_TASKS_WH SCHEDULE = '10 SECOND' AS CALL SYSTEM$WAIT(13)")
    sql("INSERT INTO SOURCE VALUES (1)")
    sql(
        "CREATE TASK TRIGGERED WAREHOUSE = T_TASKS_WH USER_TASK_MINIMUM_TRIGGER_INTERVAL_IN_SECONDS = 10 "
        "WHEN SYSTEM$STREAM_HAS_DATA('CHANGES') AS INSERT INTO SINK SELECT I FROM CHANGES"
    )
    for name in ("TICK", "BUSY", "TRIGGERED"):
        sql(f"ALTER TASK {name} RESUME")
    sql("EXECUTE TASK BUSY")
    sql("USE SCHEMA T_TASKS.PUBLIC")


def test_t1_created_suspended(sql: Account, make: Make) -> None:
    """A task is created suspended and needs RESUME."""
    make("R", "SCHEDULE = '60 MINUTE'")
    assert (sql.task("R")["state"], sql.task("R")["last_suspended_on"]) == ("suspended", None)
    resume(sql, "R")
    assert sql.task("R")["state"] == "started"
    sql("ALTER TASK R SUSPEND")
    assert (sql.task("R")["state"], sql.task("R")["last_suspended_reason"]) == ("suspended", "USER_SUSPENDED")


def test_t1_dependents_enable(sql: Account, make: Make) -> None:
    """SYSTEM$TASK_DEPENDENTS_ENABLE(root) resumes the root, its children and its finalizer."""
    make("R", "SCHEDULE = '60 MINUTE'")
    make("C", "AFTER R")
    make("F", "FINALIZE = R")
    sql("SELECT SYSTEM$TASK_DEPENDENTS_ENABLE('R')")
    assert {r["name"]: r["state"] for r in sql("SHOW TASKS")} == dict.fromkeys("RCF", "started")


def test_t2_started_graph_does_not_change(sql: Account, make: Make) -> None:
    """The root must be suspended to add, change, recreate or remove a task of its graph."""
    make("R", "SCHEDULE = '60 MINUTE'")
    make("C", "AFTER R")
    sql("SELECT SYSTEM$TASK_DEPENDENTS_ENABLE('R')")
    schema = sql("SELECT CURRENT_SCHEMA() AS S")[0]["S"]
    expected = f"Unable to update graph with root task T_TASKS.{schema}.R since that root task is not suspended."
    for change in (
        "CREATE TASK D WAREHOUSE = T_TASKS_WH AFTER C AS SELECT 1",
        "CREATE OR REPLACE TASK C WAREHOUSE = T_TASKS_WH AFTER R AS SELECT 1",
        "ALTER TASK C SUSPEND",
        "ALTER TASK C MODIFY AS SELECT 2",
        "ALTER TASK R SET SCHEDULE = '30 MINUTE'",
    ):
        assert expected in sql.refusal(change)
    sql("ALTER TASK R SUSPEND")
    sql("ALTER TASK C MODIFY AS SELECT 2")
    assert sql.task("C")["definition"] == "SELECT 2"


def test_t2_run_keeps_its_version(sql: Account, make: Make) -> None:
    """A run under way ends on its old version of the graph; resuming or executing the root sets the next version."""
    make("R", body="CALL SYSTEM$WAIT(1)")
    make("C", "AFTER R", "INSERT INTO LOG VALUES ('old')")
    resume(sql, "C")
    sql("EXECUTE TASK R")
    sql("ALTER TASK C MODIFY AS INSERT INTO LOG VALUES ('new')")
    sql.until(lambda: len(sql.graphs("R")) == 1, "the first run")
    assert [r["T"] for r in sql("SELECT * FROM LOG")] == ["old"]
    first = sql.graphs("R")[0]["GRAPH_VERSION"]
    second = sql.execute("R")["GRAPH_VERSION"]
    assert [r["T"] for r in sql("SELECT * FROM LOG ORDER BY T")] == ["new", "old"]
    assert second == first + 1
    assert sql.execute("R")["GRAPH_VERSION"] == second


def test_t3_schedules(sql: Account, make: Make) -> None:
    """SCHEDULE is an interval of 10 seconds to 8 days or a cron expression with a time zone; others are refused."""
    make("R", "SCHEDULE = '90 MINUTE'")
    make("N", "SCHEDULE = 'USING CRON 0 12 L * * America/Los_Angeles'")
    resume(sql, "R", "N")
    coming = {r["NAME"]: r for r in sql(f"SELECT * FROM {HISTORY} WHERE STATE = 'SCHEDULED'")}
    ahead = coming["R"]["SCHEDULED_TIME"] - datetime.now(coming["R"]["SCHEDULED_TIME"].tzinfo)
    assert timedelta(minutes=88) < ahead <= timedelta(minutes=90)
    assert (coming["R"]["SCHEDULED_FROM"], coming["R"]["QUERY_ID"]) == ("SCHEDULE", None)
    for wrong in ("5 SECOND", "9 DAYS", "11521 MINUTE", "USING CRON * * * * UTC", "USING CRON 0 0 * * * Nowhere/Land"):
        assert (
            "SCHEDULE" in sql.refusal(f"CREATE TASK X WAREHOUSE = T_TASKS_WH SCHEDULE = '{wrong}' AS SELECT 1").upper()
        )


@deviates("what EXECUTE TASK asks for during a run waits for the end of the run; several requests become one")
def test_t4_execute_does_not_overlap(sql: Account, make: Make) -> None:
    """By default a graph has one run at a time; OVERLAP_POLICY and ALLOW_OVERLAPPING_EXECUTION are for roots."""
    make("R", body="CALL SYSTEM$WAIT(1)")
    sql("EXECUTE TASK R")
    sql("EXECUTE TASK R")
    sql.until(lambda: len(sql.runs("R")) == 2, "two runs")
    first, second = sql.runs("R")
    assert first["COMPLETED_TIME"] <= second["QUERY_START_TIME"]
    assert (sql.task("R")["allow_overlapping_execution"], sql.task("R")["overlap_policy"]) == ("false", "NO_OVERLAP")
    sql("ALTER TASK R SET ALLOW_OVERLAPPING_EXECUTION = TRUE")
    assert sql.task("R")["overlap_policy"] == "ALLOW_CHILD_OVERLAP"


def test_t11_timeout(sql: Account, make: Make) -> None:
    """USER_TASK_TIMEOUT_MS of the root limits the whole graph; a child's own takes its place."""
    make("R", "USER_TASK_TIMEOUT_MS = 5000", "CALL SYSTEM$WAIT(1)")
    make("A", "AFTER R", "CALL SYSTEM$WAIT(60)")
    make("B", "USER_TASK_TIMEOUT_MS = 60000 AFTER R", "CALL SYSTEM$WAIT(6)")
    resume(sql, "A", "B")
    began = time.monotonic()
    assert sql.execute("R")["STATE"] == "FAILED"
    assert time.monotonic() - began < 60, "A would wait as long"
    assert sorted(sql.states("R", "A", "B")) == [("A", "FAILED"), ("B", "SUCCEEDED"), ("R", "SUCCEEDED")]
    late = sql.runs("A")[0]
    assert int(late["ERROR_CODE"]) == 630
    assert "timeout" in late["ERROR_MESSAGE"]


def test_t11_limits(sql: Account, make: Make) -> None:
    """AUTOCOMMIT must be TRUE, SEARCH_PATH cannot be set, and parameters keep to their ranges."""
    make("R", "TIMEZONE = 'Europe/Warsaw'", "INSERT INTO LOG SELECT 'x'")
    for clause in (
        "AUTOCOMMIT = FALSE",
        "SEARCH_PATH = '$current'",
        "TASK_AUTO_RETRY_ATTEMPTS = 31",
        "USER_TASK_MINIMUM_TRIGGER_INTERVAL_IN_SECONDS = 5",
        "NO_SUCH_PROPERTY = 1",
    ):
        assert clause.split()[0] in sql.refusal(f"ALTER TASK R SET {clause}")


def test_t14_create_or_alter(sql: Account, make: Make) -> None:
    """CREATE OR ALTER TASK changes a suspended task in place, and neither resumes nor suspends one."""
    make("R", "SCHEDULE = '60 MINUTE' COMMENT = 'first'")
    before = sql.task("R")
    sql("CREATE OR ALTER TASK R WAREHOUSE = T_TASKS_WH SCHEDULE = '30 MINUTE' AS SELECT 2")
    after = sql.task("R")
    assert (after["id"], after["created_on"], after["state"]) == (before["id"], before["created_on"], "suspended")
    assert (after["schedule"], after["definition"]) == ("30 MINUTE", "SELECT 2")
    resume(sql, "R")
    text = "CREATE OR ALTER TASK R WAREHOUSE = T_TASKS_WH SCHEDULE = '30 MINUTE' AS SELECT 3"
    assert "since that root task is not suspended" in sql.refusal(text)
    assert sql.task("R")["state"] == "started"


# -- last: what the clockwork did meanwhile ---------------------------------------------------------------------------


def test_t10_triggered(sql: Account) -> None:
    """A task without a schedule runs when its stream has data: at once when resumed, then at most every 10 seconds."""
    sql("USE SCHEMA T_TASKS.CLOCK")
    sql.until(lambda: sql.runs("TRIGGERED"), "the run of TRIGGERED after RESUME")
    first = sql.runs("TRIGGERED")[0]
    assert (first["STATE"], first["SCHEDULED_FROM"]) == ("SUCCEEDED", "TRIGGER")
    sql("INSERT INTO SOURCE VALUES (2)")
    sql("INSERT INTO SOURCE VALUES (3)")
    sql.until(lambda: len(sql("SELECT I FROM SINK")) == 3, "the rows of the second run")
    sql.until(lambda: len(sql.runs("TRIGGERED")) > 1, "the second run")
    second = sql.runs("TRIGGERED")[1]
    assert second["QUERY_START_TIME"] - first["QUERY_START_TIME"] >= timedelta(seconds=9.9)
    assert sorted(r["I"] for r in sql("SELECT I FROM SINK")) == [1, 2, 3]
    assert sql.task("TRIGGERED")["schedule"] is None


def test_t3_interval_counts_from_resume(sql: Account) -> None:
    """A task with an interval runs for the first time one interval after RESUME, and then each interval."""
    sql("USE SCHEMA T_TASKS.CLOCK")
    sql.until(lambda: len(sql.runs("TICK")) > 1, "two runs of TICK")
    first, second = (r["SCHEDULED_TIME"] for r in sql.runs("TICK")[:2])
    committed = sql.task("TICK")["last_committed_on"]
    assert abs(first - committed - timedelta(seconds=10)) < timedelta(seconds=2)
    assert abs(second - first - timedelta(seconds=10)) < timedelta(seconds=1)
    assert {r["SCHEDULED_FROM"] for r in sql.runs("TICK")} == {"SCHEDULE"}


def test_t4_due_time_is_skipped_while_running(sql: Account) -> None:
    """A time that is due while a run is going is skipped."""
    sql("USE SCHEMA T_TASKS.CLOCK")
    begun = f"SELECT * FROM {HISTORY} WHERE NAME = 'BUSY' AND SCHEDULED_FROM = 'SCHEDULE' AND QUERY_ID IS NOT NULL"
    due = sql.until(lambda: sql(f"{begun} ORDER BY SCHEDULED_TIME"), "a run of BUSY")[0]
    sql("ALTER TASK BUSY SUSPEND")
    executed = sql.runs("BUSY")[0]
    assert executed["SCHEDULED_FROM"].startswith("EXECUTE")
    assert due["SCHEDULED_TIME"] >= executed["COMPLETED_TIME"]
    assert due["SCHEDULED_TIME"] - sql.task("BUSY")["last_committed_on"] > timedelta(seconds=18)
