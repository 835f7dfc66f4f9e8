"""Runs of task graphs: the numbered semantics T5 - T9, T12 and T13."""

from __future__ import annotations

import json

from tests.conformance.marks import deviates
from tests.conformance.task_account import Account, Make, make, resume, sql

__all__ = ["make", "sql"]  # fixtures


def test_t5_when(sql: Account, make: Make) -> None:
    """A WHEN that is false skips the task, and the tasks after it do not run."""
    make("R")
    make("A", "AFTER R WHEN 1 = 2")
    make("B", "AFTER A")
    make("C", "AFTER R WHEN NOT (1 = 2) AND '1'::INT = 1")
    resume(sql, "A", "B", "C")
    assert sql.execute("R")["STATE"] == "SUCCEEDED"
    assert sorted(sql.states("R", "A", "B", "C")) == [("A", "SKIPPED"), ("C", "SUCCEEDED"), ("R", "SUCCEEDED")]
    skipped = sql.runs("A")[0]
    assert skipped["ERROR_MESSAGE"].startswith("Conditional expression for task evaluated to false")
    assert (int(skipped["ERROR_CODE"]), skipped["QUERY_ID"]) == (40003, None)


def test_t5_when_functions(sql: Account, make: Make) -> None:
    """WHEN takes two functions, logic, conversions and comparisons only."""
    make("R")
    for condition in ("CURRENT_TIMESTAMP LIKE '20%'", "PARSE_JSON('1') = 1", "(SELECT 1) = 1"):
        assert (
            "Invalid expression for task condition expression. Only some data type conversions and the following "
            in (sql.refusal(f"ALTER TASK R MODIFY WHEN {condition}"))
        )
    sql("ALTER TASK R MODIFY WHEN TRUE")
    sql("ALTER TASK R REMOVE WHEN")
    assert sql.task("R")["condition"] is None


def test_t6_predecessors(sql: Account, make: Make) -> None:
    """A child runs after all resumed predecessors; a suspended one counts as successful, but one must be resumed."""
    make("R")
    for name, above in (("A", "R"), ("B", "R"), ("C", "A, B"), ("D", "A"), ("E", "R, C")):
        make(name, f"AFTER {above}")
    resume(sql, "B", "C", "D", "E")
    assert sql.execute("R")["STATE"] == "SUCCEEDED"
    assert sql.states(*"RABCDE") == [(n, "SUCCEEDED") for n in "RBCE"]
    assert json.loads(sql.task("C")["predecessors"]) == [f"T_TASKS.TEST_T6_PREDECESSORS.{n}" for n in "AB"]


def test_t6_failure(sql: Account, make: Make) -> None:
    """After a failed task its children do not run, and the graph failed."""
    make("R")
    make("A", "AFTER R", "INSERT INTO NOWHERE VALUES (1)")
    make("B", "AFTER A")
    make("C", "AFTER R")
    resume(sql, "A", "B", "C")
    ended = sql.execute("R")
    assert (ended["STATE"], ended["FIRST_ERROR_TASK_NAME"]) == ("FAILED", "A")
    assert "NOWHERE" in ended["FIRST_ERROR_MESSAGE"]
    assert sorted(sql.states("R", "A", "B", "C")) == [("A", "FAILED"), ("C", "SUCCEEDED"), ("R", "SUCCEEDED")]


def test_t7_finalizer(sql: Account, make: Make) -> None:
    """The finalizer runs last, after success or failure, and not when the root is skipped."""
    make("R")
    make("A", "AFTER R", "INSERT INTO NOWHERE VALUES (1)")
    make("F", "FINALIZE = R")
    resume(sql, "A", "F")
    assert sql.execute("R")["STATE"] == "FAILED"
    assert sql.states("R", "A", "F") == [("R", "SUCCEEDED"), ("A", "FAILED"), ("F", "SUCCEEDED")]
    sql("ALTER TASK A MODIFY AS SELECT 1")
    assert sql.execute("R")["STATE"] == "SUCCEEDED"
    assert sql.states("F") == [("F", "SUCCEEDED")] * 2
    sql("ALTER TASK R MODIFY WHEN 1 = 2")
    assert sql.execute("R")["STATE"] == "SKIPPED"
    assert sql.states("F") == [("F", "SUCCEEDED")] * 2
    relations = json.loads(sql.task("R")["task_relations"])
    assert relations == {"Predecessors": [], "FinalizerTask": f"T_TASKS.{sql.task('R')['schema_name']}.F"}
    assert json.loads(sql.task("F")["task_relations"])["FinalizedRootTask"].endswith(".R")


def test_t7_refusals(sql: Account, make: Make) -> None:
    """What a graph may not be is refused in Snowflake's words."""
    sql("CREATE SCHEMA IF NOT EXISTS T_TASKS.OTHER")
    sql("CREATE OR REPLACE TASK R9 WAREHOUSE = T_TASKS_WH SCHEDULE = '60 MINUTE' AS SELECT 1")
    sql("USE SCHEMA TEST_T7_REFUSALS")
    for name, clauses in (("R1", "SCHEDULE = '60 MINUTE'"), ("C1", "AFTER R1"), ("F1", "FINALIZE = 'R1'")):
        make(name, clauses)
    here = "T_TASKS.TEST_T7_REFUSALS"
    root_only = (
        "Cannot set parameter TASK_AUTO_RETRY_ATTEMPTS on non-root task C1. Non-root tasks use the parameter setting "
        "from their root task. Please set this on the root task for this task instead."
    )
    no_child = (
        "This task has a finalizer and cannot be made a child task. "
        "Please remove the finalizer before adding a predecessor."
    )
    create = "CREATE TASK {} WAREHOUSE = T_TASKS_WH {} AS SELECT 1"
    for statement, text in (
        (create.format("F2", "FINALIZE = R1"), "Finalize target R1 already have finalizer."),
        (create.format("F2", "FINALIZE = C1"), f"Task {here}.F2 cannot finalize a non-root task {here}.C1."),
        (create.format("F2", "FINALIZE = OTHER.R9"), "Cannot finalize graph OTHER.R9 in a different schema."),
        (create.format("F2", "FINALIZE = NO_SUCH"), "Invalid finalized root task NO_SUCH was specified."),
        (
            create.format("F2", "FINALIZE = R1 CONFIG = '{}'"),
            f"Task {here}.F2 cannot both be a non-root task and have a config.",
        ),
        ("ALTER TASK C1 SET SCHEDULE = '5 MINUTE'", "Task C1 cannot have both a schedule and a predecessor."),
        ("ALTER TASK F1 SET SCHEDULE = '5 MINUTE'", "Task F1 cannot have a schedule and be a finalizer task."),
        (create.format("C2", "AFTER OTHER.R9"), "Cannot have predecessor R9 from a different schema."),
        (create.format("C2", "AFTER NO_SUCH"), "Invalid predecessor NO_SUCH was specified."),
        (create.format("C2", "AFTER F1"), f"Task {here}.F1 cannot have children as a finalizer task."),
        ("ALTER TASK C1 REMOVE AFTER F1", "Task C1 does not have predecessor F1."),
        ("ALTER TASK C1 SET TASK_AUTO_RETRY_ATTEMPTS = 2", root_only),
        (
            "ALTER TASK C1 SET ALLOW_OVERLAPPING_EXECUTION = TRUE",
            f"Cannot set allow_overlapping_execution on non-root task {here}.C1.",
        ),
        ("ALTER TASK R1 ADD AFTER C1", no_child),
    ):
        assert sql.refusal(statement).endswith(text)


def test_t8_auto_retry(sql: Account, make: Make) -> None:
    """TASK_AUTO_RETRY_ATTEMPTS runs a failed graph again from the task that failed."""
    sql("CREATE TABLE GATE (I INT)")
    make("R", "TASK_AUTO_RETRY_ATTEMPTS = 2")
    make("A", "AFTER R", "INSERT INTO LOG SELECT TO_VARCHAR(1 / (SELECT COUNT(*) FROM NOWHERE))")
    make("F", "FINALIZE = R", "CREATE TABLE IF NOT EXISTS FINALIZED (I INT)")
    resume(sql, "A", "F")
    ended = sql.execute("R", attempts=3)
    assert (ended["STATE"], ended["ATTEMPT_NUMBER"], ended["SCHEDULED_FROM"]) == ("FAILED", 3, "AUTOMATIC RETRY")
    tried = [(r["NAME"], r["STATE"], r["ATTEMPT_NUMBER"]) for r in sql.runs("R", "A", "F")]
    failed = [("A", "FAILED", n) for n in (1, 2, 3)]
    assert tried == [("R", "SUCCEEDED", 1), *failed, ("F", "SUCCEEDED", 3)]
    assert len({r["GRAPH_RUN_GROUP_ID"] for r in sql.runs("R", "A", "F")}) == 1


def test_t8_auto_suspend(sql: Account, make: Make) -> None:
    """After SUSPEND_TASK_AFTER_NUM_FAILURES failed runs in a row the root is suspended; a success resets the count."""
    make("R", "SCHEDULE = '60 MINUTE' SUSPEND_TASK_AFTER_NUM_FAILURES = 2")
    make("A", "AFTER R", "INSERT INTO GATE SELECT 1")
    sql("SELECT SYSTEM$TASK_DEPENDENTS_ENABLE('R')")
    sql.execute("R")
    assert sql.task("R")["state"] == "started"
    sql("CREATE TABLE GATE (I INT)")
    assert sql.execute("R")["STATE"] == "SUCCEEDED"
    sql("DROP TABLE GATE")
    sql.execute("R")
    assert sql.task("R")["state"] == "started"
    sql.execute("R")
    assert [s for _, s in sql.states("A")] == ["FAILED", "SUCCEEDED", "FAILED", "FAILED_AND_AUTO_SUSPENDED"]
    assert (sql.task("R")["state"], sql.task("R")["last_suspended_reason"]) == ("suspended", "SUSPENDED_DUE_TO_ERRORS")


def test_t9_execute(sql: Account, make: Make) -> None:
    """EXECUTE TASK runs the graph of a suspended root once, with its resumed children."""
    make("R")
    make("A", "AFTER R")
    make("B", "AFTER R")
    resume(sql, "A")
    assert sql("EXECUTE TASK R") == [{"status": "Task R is scheduled to run immediately."}]
    sql.until(lambda: sql.graphs("R"), "the run")
    rows = sql.runs("R", "A", "B")
    assert [r["NAME"] for r in rows] == ["R", "A"]
    assert {r["SCHEDULED_FROM"].replace("_", " ") for r in rows} == {"EXECUTE TASK"}
    assert {(r["ATTEMPT_NUMBER"], r["GRAPH_RUN_GROUP_ID"]) for r in rows} == {(1, rows[0]["GRAPH_RUN_GROUP_ID"])}
    assert sql.task("R")["state"] == "suspended"
    assert "A" in sql.refusal("EXECUTE TASK A")


def test_t9_retry_last(sql: Account, make: Make) -> None:
    """EXECUTE TASK … RETRY LAST runs the failed tasks of the last run again, and those after them."""
    make("R")
    make("A", "AFTER R", "INSERT INTO GATE VALUES (1)")
    make("B", "AFTER A")
    make("C", "AFTER R")
    resume(sql, "A", "B", "C")
    sql.refusal("EXECUTE TASK R RETRY LAST")
    failed = sql.execute("R")
    sql("CREATE TABLE GATE (I INT)")
    ended = sql.execute("R", "RETRY LAST")
    assert (ended["STATE"], ended["ATTEMPT_NUMBER"], ended["SCHEDULED_FROM"]) == ("SUCCEEDED", 2, "MANUAL RETRY")
    assert ended["GRAPH_RUN_GROUP_ID"] == failed["GRAPH_RUN_GROUP_ID"]
    assert [(r["NAME"], r["STATE"]) for r in sql.runs(*"RABC") if r["ATTEMPT_NUMBER"] == 2] == [
        ("A", "SUCCEEDED"),
        ("B", "SUCCEEDED"),
    ]
    sql.refusal("EXECUTE TASK R RETRY LAST")


def test_t12_return_values_and_config(sql: Account, make: Make) -> None:
    """A task hands a value to those after it; CONFIG is JSON on the root, and USING CONFIG overrides its fields."""
    make("R", """CONFIG = $${"a": "one", "b": 2}$$""", "CALL SYSTEM$SET_RETURN_VALUE('from R')")
    make(
        "A",
        "AFTER R WHEN SYSTEM$GET_PREDECESSOR_RETURN_VALUE('R') = 'from R'",
        "INSERT INTO LOG SELECT SYSTEM$GET_PREDECESSOR_RETURN_VALUE()",
    )
    make("B", "AFTER R", "INSERT INTO LOG SELECT SYSTEM$GET_TASK_GRAPH_CONFIG('a')")
    make(
        "C",
        "AFTER R",
        "INSERT INTO LOG SELECT SYSTEM$TASK_RUNTIME_INFO('CURRENT_ROOT_TASK_NAME') || SYSTEM$CURRENT_USER_TASK_NAME()",
    )
    resume(sql, "A", "B", "C")
    sql.execute("R")
    schema = sql.task("R")["schema_name"]
    assert {r["T"] for r in sql("SELECT T FROM LOG")} == {"from R", "one", f"RT_TASKS.{schema}.C"}
    assert sql.runs("R")[0]["RETURN_VALUE"] == "from R"
    sql.execute("R", """USING CONFIG = $${"a": "three"}$$""")
    assert "three" in {r["T"] for r in sql("SELECT T FROM LOG")}
    assert json.loads(sql.runs("R")[1]["CONFIG"]) == {"a": "three", "b": 2}
    assert json.loads(sql.task("R")["config"]) == {"a": "one", "b": 2}


@deviates("where privileges are not enforced, which is the default, its owner's role may do everything")
def test_t13_owner(sql: Account, make: Make) -> None:
    """A task runs with its owner's role, in its own database, schema and warehouse; DROP severs its links."""
    role = sql("SELECT CURRENT_ROLE() AS R")[0]["R"]
    make("R", body="INSERT INTO LOG SELECT CURRENT_ROLE() || ' ' || CURRENT_SCHEMA() || ' ' || CURRENT_WAREHOUSE()")
    make("A", "AFTER R")
    make("F", "FINALIZE = R")
    resume(sql, "A", "F")
    sql.execute("R")
    assert f"{role} {sql.task('R')['schema_name']} T_TASKS_WH" in {r["T"] for r in sql("SELECT T FROM LOG")}
    sql("DROP TASK R")
    assert {(r["name"], r["state"], r["last_suspended_reason"]) for r in sql("SHOW TASKS")} == {
        ("A", "suspended", "CHILD_BECAME_ROOT"),
        ("F", "suspended", "FINALIZER_BECAME_ROOT"),
    }
