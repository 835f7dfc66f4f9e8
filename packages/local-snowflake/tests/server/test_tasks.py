"""Tasks in a running server: restarts, interrupts, other sessions, and what is refused."""

from __future__ import annotations

import re
import signal
import time
from collections.abc import Callable, Iterator
from typing import Any

import psutil
import pytest
import snowflake.connector
from tests.conformance.task_account import Account

from local_snowflake.testing import LocalSnowflake

SLOW = (
    "INSERT INTO LOG SELECT COUNT(*)::VARCHAR FROM (SELECT SEQ4() A FROM TABLE(GENERATOR(ROWCOUNT => 3000000))) X, Y Z"
)


@pytest.fixture(scope="module")
def sql(snowflake_connection: dict[str, Any]) -> Iterator[Account]:
    with snowflake.connector.connect(**snowflake_connection) as connection:
        account = Account(connection)
        account("CREATE WAREHOUSE IF NOT EXISTS T_WH")
        account("CREATE OR REPLACE DATABASE T_SERVER_TASKS")
        yield account


@pytest.fixture(autouse=True)
def schema(sql: Account, request: pytest.FixtureRequest) -> None:
    sql("CREATE OR REPLACE SCHEMA T_SERVER_TASKS." + re.sub(r"\W", "_", request.node.name)[:60])
    sql("CREATE TABLE LOG (T STRING)")


def own(server: LocalSnowflake) -> Account:
    return Account(snowflake.connector.connect(**server.connection()))


def prepare(account: Account) -> None:
    account("CREATE WAREHOUSE IF NOT EXISTS W")
    account("CREATE DATABASE IF NOT EXISTS D")
    account("CREATE TABLE IF NOT EXISTS LOG (T STRING)")


def executing(account: Account, name: str) -> Callable[[], list[dict[str, Any]]]:
    text = f"SELECT * FROM TABLE(INFORMATION_SCHEMA.TASK_HISTORY(TASK_NAME => '{name}')) WHERE STATE = 'EXECUTING'"
    return lambda: account(text)


@pytest.mark.slow
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_a_run_goes_on_after_the_servers_end(own_snowflake: LocalSnowflake, how: signal.Signals) -> None:
    account = own(own_snowflake)
    prepare(account)
    account("CREATE TASK R WAREHOUSE = W SCHEDULE = '90 MINUTE' AS CALL SYSTEM$WAIT(100)")
    account("CREATE TASK F WAREHOUSE = W FINALIZE = R AS INSERT INTO LOG VALUES ('finalized')")
    account("SELECT SYSTEM$TASK_DEPENDENTS_ENABLE('R')")
    account("EXECUTE TASK R")
    account.until(executing(account, "R"), "the run")
    began = time.monotonic()
    own_snowflake.stop(how)
    assert time.monotonic() - began < 60
    own_snowflake.start()
    account = own(own_snowflake)
    account("USE SCHEMA D.PUBLIC")
    account.until(lambda: account.graphs("R"), "the end of the run")
    assert account.states("R", "F") == [("R", "FAILED"), ("F", "SUCCEEDED")]
    assert "the server stopped" in account.runs("R")[0]["ERROR_MESSAGE"]
    assert [r["T"] for r in account("SELECT T FROM LOG")] == ["finalized"]
    assert account.task("R")["state"] == "started"
    coming = account("SELECT * FROM TABLE(INFORMATION_SCHEMA.TASK_HISTORY()) WHERE STATE = 'SCHEDULED'")
    assert [r["NAME"] for r in coming] == ["R"]


@pytest.mark.slow
def test_a_retry_makes_up_for_a_kill(own_snowflake: LocalSnowflake) -> None:
    account = own(own_snowflake)
    prepare(account)
    account("CREATE TABLE GATE (I INT)")
    account(
        "CREATE TASK R WAREHOUSE = W TASK_AUTO_RETRY_ATTEMPTS = 1 AS "
        "INSERT INTO LOG SELECT SYSTEM$WAIT(5) || (SELECT COUNT(*) FROM GATE)"
    )
    account("EXECUTE TASK R")
    account.until(executing(account, "R"), "the run")
    own_snowflake.stop(signal.SIGKILL)
    own_snowflake.start()
    account = own(own_snowflake)
    account("USE SCHEMA D.PUBLIC")
    account.until(lambda: account("SELECT * FROM LOG"), "the second attempt")
    account.until(lambda: len(account.graphs("R")) == 2, "its record")
    assert account.states("R") == [("R", "FAILED"), ("R", "SUCCEEDED")]
    assert len(account("SELECT * FROM LOG")) == 1


def cpu_seconds(pid: int) -> float:
    spent = psutil.Process(pid).cpu_times()
    return spent.user + spent.system


@pytest.mark.slow
def test_an_idle_server_with_tasks_is_idle(own_snowflake: LocalSnowflake) -> None:
    account = own(own_snowflake)
    prepare(account)
    account("CREATE TABLE SOURCE (I INT)")
    account("CREATE STREAM CHANGES ON TABLE SOURCE")
    for i in range(20):
        account(f"CREATE TASK T{i} WAREHOUSE = W WHEN SYSTEM$STREAM_HAS_DATA('CHANGES') AS SELECT 1")
        account(f"CREATE TASK S{i} WAREHOUSE = W SCHEDULE = '60 MINUTE' AS SELECT 1")
        account(f"ALTER TASK T{i} RESUME")
        account(f"ALTER TASK S{i} RESUME")
    spent = []
    for _ in range(10):  # it may have to settle first; a server that polls never does
        before = cpu_seconds(own_snowflake.pid)
        time.sleep(3)
        spent.append(cpu_seconds(own_snowflake.pid) - before)
        if spent[-1] < 0.25:
            break
    assert spent[-1] < 0.25, spent


def test_a_time_out_interrupts_a_query(sql: Account) -> None:
    sql("CREATE TABLE Y AS SELECT SEQ4() B FROM TABLE(GENERATOR(ROWCOUNT => 3000000))")
    sql(f"CREATE TASK R WAREHOUSE = T_WH USER_TASK_TIMEOUT_MS = 1000 AS {SLOW} WHERE X.A * Z.B % 7 = 3")
    assert sql.execute("R")["STATE"] == "FAILED"
    run = sql.runs("R")[0]
    assert (run["ERROR_CODE"], "timeout of 1 second" in run["ERROR_MESSAGE"]) == ("000630", True)
    assert sql("SELECT * FROM LOG") == []


def test_running_tasks_do_not_hold_others_up(sql: Account) -> None:
    for i in range(5):
        sql(f"CREATE TASK W{i} WAREHOUSE = T_WH AS CALL SYSTEM$WAIT(10)")
        sql(f"EXECUTE TASK W{i}")
    sql("CREATE TABLE X (I INT)")
    sql("INSERT INTO X VALUES (1)")
    assert sql("SELECT COUNT(*) AS N FROM X") == [{"N": 1}]
    waiting = [f"W{i}" for i in range(5)]
    assert sql.runs(*waiting) == []
    sql.until(lambda: len(sql.runs(*waiting)) == 5, "the five runs")


def test_the_statement_of_a_run_is_in_the_query_history_and_its_session_is_its_own(sql: Account) -> None:
    sql("CREATE TASK R WAREHOUSE = T_WH TIMEZONE = 'Europe/Warsaw' AS INSERT INTO LOG SELECT CURRENT_USER()")
    sql.execute("R")
    assert sql("SELECT T FROM LOG") == [{"T": "SYSTEM"}]
    assert sql.runs("R")[0]["QUERY_ID"]


def test_a_transaction_that_a_body_leaves_open_is_rolled_back(sql: Account) -> None:
    sql("CREATE TASK R WAREHOUSE = T_WH AS BEGIN TRANSACTION")
    assert sql.execute("R")["STATE"] == "SUCCEEDED"
    sql("INSERT INTO LOG VALUES ('free')")


def test_a_triggered_task_whose_stream_is_gone_fails_and_tells(sql: Account) -> None:
    sql("CREATE TABLE SOURCE (I INT)")
    sql("CREATE STREAM CHANGES ON TABLE SOURCE")
    sql("CREATE TASK R WAREHOUSE = T_WH WHEN SYSTEM$STREAM_HAS_DATA('CHANGES') AS SELECT 1")
    sql("ALTER TASK R RESUME")
    sql("DROP STREAM CHANGES")
    sql("INSERT INTO SOURCE VALUES (1)")
    sql.until(lambda: sql.runs("R"), "the failed run")
    assert "CHANGES" in sql.runs("R")[0]["ERROR_MESSAGE"]
    sql("ALTER TASK R SUSPEND")


def test_a_triggered_task_without_rows_leaves_no_record(sql: Account) -> None:
    sql("CREATE TABLE SOURCE (I INT)")
    sql("CREATE STREAM CHANGES ON TABLE SOURCE")
    sql("CREATE TASK R WAREHOUSE = T_WH WHEN SYSTEM$STREAM_HAS_DATA('CHANGES') AS SELECT 1")
    sql("ALTER TASK R RESUME")
    sql("INSERT INTO LOG VALUES ('no row of the source')")
    time.sleep(1.5)
    assert sql.runs("R") == []
    sql("EXECUTE TASK R")
    sql.until(lambda: sql.runs("R"), "the executed run")
    assert sql.states("R") == [("R", "SKIPPED")]


def test_words_of_success(sql: Account) -> None:
    create = "CREATE TASK IF NOT EXISTS R WAREHOUSE = T_WH AS SELECT 1"
    assert sql(create) == [{"status": "Task R successfully created."}]
    assert sql(create) == [{"status": "R already exists, statement succeeded."}]
    assert sql("DROP TASK R") == [{"status": "R successfully dropped."}]
    assert "already dropped" in sql("DROP TASK IF EXISTS R")[0]["status"]
    assert "does not exist or not authorized" in sql.refusal("ALTER TASK R RESUME")
    assert "does not exist or not authorized" in sql.refusal("CREATE TASK R WAREHOUSE = NO_SUCH AS SELECT 1")
    sql("CREATE TASK R WAREHOUSE = T_WH AS SELECT 1")
    assert "already exists" in sql.refusal("CREATE TASK R WAREHOUSE = T_WH AS SELECT 1")


def test_show_tasks(sql: Account) -> None:
    sql("CREATE TASK R WAREHOUSE = T_WH SCHEDULE = '1 HOUR' COMMENT = 'hello' WHEN CAST('1' AS INT) = 1 AS SELECT 'AS'")
    sql('CREATE TASK "low er" USER_TASK_MANAGED_INITIAL_WAREHOUSE_SIZE = XSMALL AFTER R AS SELECT 2;')
    shown = {r["name"]: r for r in sql("SHOW TASKS")}
    assert shown["R"]["condition"] == "CAST('1' AS INT) = 1"
    assert (shown["R"]["definition"], shown["R"]["comment"]) == ("SELECT 'AS'", "hello")
    assert shown["low er"]["definition"] == "SELECT 2"
    assert (shown["low er"]["warehouse"], shown["low er"]["schedule"]) == (None, None)
    assert shown["low er"]["allow_overlapping_execution"] is None
    assert [r["name"] for r in sql("SHOW TASKS ROOT ONLY")] == ["R"]
    assert [r["name"] for r in sql("SHOW TASKS LIKE 'LOW%'")] == ["low er"]
    assert set(sql("SHOW TERSE TASKS")[0]) == {"created_on", "name", "kind", "database_name", "schema_name", "schedule"}
    below = sql("SELECT NAME FROM TABLE(INFORMATION_SCHEMA.TASK_DEPENDENTS(TASK_NAME => 'R', RECURSIVE => FALSE))")
    assert [r["NAME"] for r in below] == ["R", "low er"]


@pytest.mark.parametrize(
    ("clauses", "text"),
    [
        ("AS BEGIN INSERT INTO LOG VALUES ('x') END", "syntax error line 1 at position 38 unexpected '<EOF>'"),
        ("WAREHOUSE = T_WH EXECUTE AS USER X AS SELECT 1", "Unsupported feature"),
        ("WAREHOUSE = T_WH ERROR_INTEGRATION = X AS SELECT 1", "Unsupported feature 'ERROR_INTEGRATION"),
        ("WAREHOUSE = T_WH CONFIG = 'no json' AS SELECT 1", "CONFIG"),
        ("WAREHOUSE = T_WH TARGET_COMPLETION_INTERVAL = '5 MINUTE' AS SELECT 1", "cannot have both WAREHOUSE"),
        ("WHEN SYSTEM$STREAM_HAS_DATA('S') AS SELECT 1", "needs TARGET_COMPLETION_INTERVAL"),
        ("WAREHOUSE = T_WH OVERLAP_POLICY = SOMETIMES AS SELECT 1", "OVERLAP_POLICY"),
        ("WAREHOUSE = T_WH SCHEDULE '1 HOUR' AS SELECT 1", "syntax error"),
        ("WAREHOUSE = T_WH", "syntax error"),
    ],
)
def test_what_is_refused(sql: Account, clauses: str, text: str) -> None:
    assert text in sql.refusal(f"CREATE TASK X {clauses}")


def test_a_loop_is_refused(sql: Account) -> None:
    sql("CREATE TASK A WAREHOUSE = T_WH AS SELECT 1")
    sql("CREATE TASK B WAREHOUSE = T_WH AFTER A AS SELECT 1")
    assert "no loops" in sql.refusal("ALTER TASK A ADD AFTER B")
    assert "no loops" in sql.refusal("CREATE OR REPLACE TASK A WAREHOUSE = T_WH AFTER B AS SELECT 1")


def test_a_function_of_tasks_outside_of_one_is_refused(sql: Account) -> None:
    for call in ("SYSTEM$GET_PREDECESSOR_RETURN_VALUE('A')", "SYSTEM$TASK_RUNTIME_INFO('CURRENT_TASK_NAME')"):
        assert "can only be called from a task" in sql.refusal(f"SELECT {call}")
    assert "can only be called from a task" in sql.refusal("CALL SYSTEM$SET_RETURN_VALUE('x')")


def test_history_can_be_narrowed(sql: Account) -> None:
    sql("CREATE TASK R WAREHOUSE = T_WH AS SELECT 1")
    sql.execute("R")
    history = (
        "SELECT COUNT(*) AS N FROM TABLE(INFORMATION_SCHEMA.TASK_HISTORY({})) WHERE SCHEMA_NAME = CURRENT_SCHEMA()"
    )
    hour = "SCHEDULED_TIME_RANGE_START => DATEADD('hour', {}, CURRENT_TIMESTAMP())"
    assert sql(history.format(hour.format(-1))) == [{"N": 1}]
    assert sql(history.format(hour.format(1))) == [{"N": 0}]
    assert sql(history.format("ERROR_ONLY => TRUE")) == [{"N": 0}]
    assert sql(history.format("TASK_NAME => 'r', RESULT_LIMIT => 5")) == [{"N": 1}]
    assert "last 7 days" in sql.refusal(history.format(hour.format(-200)))
    assert "RESULT_LIMIT" in sql.refusal(history.format("RESULT_LIMIT => 0"))
