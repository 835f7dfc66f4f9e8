"""What health finds of the tasks: failures that no run of the procedure could note, other consumers, and old rows."""

import re
from datetime import timedelta
from typing import Any

import pytest
from snowflake.snowpark import Session

from snowloop.lifecycle.scoring.health import backlog_findings, task_findings
from snowloop.lifecycle.scoring.names import FINALIZER, MONITORING, ROOT, names
from snowloop.lifecycle.scoring.observed import ObservedState, is_own, other_consumers
from snowloop.lifecycle.scoring.task_runs import graph_runs
from snowloop.lifecycle.versions import show
from snowloop.project import Monitoring, Project, load_project
from tests.support.graphs import LightGraph, until


@pytest.fixture(scope="module")
def project() -> Project:
    return load_project("credit_approval")


def started(session: Session, project: Project, target: str, bodies: dict[str, str], options: str = "") -> LightGraph:
    graph = LightGraph(session, project.database(target), bodies, f"SCHEDULE = '600 MINUTE' {options}")
    graph.sql(f"ALTER TASK {graph.root} RESUME")
    return graph


def findings(graph: LightGraph, project: Project, target: str) -> list[str]:
    named = names(project, target)
    tasks = [row for row in show(graph.session, "SHOW TASKS IN ACCOUNT") if is_own(row, named.database)]
    observed = ObservedState(tasks={row["name"]: row for row in tasks})
    runs = graph_runs(graph.session, named.database, observed.tasks.get(ROOT))
    return task_findings(project, named, observed, runs)


WAITS, AFTER = "its rows wait in .*", "scored its rows, but a later task failed: "
FAILURES = {
    "late": ({ROOT: "CALL SYSTEM$WAIT(60)"}, "USER_TASK_TIMEOUT_MS = 1000", f"{WAITS}{ROOT} FAILED: .*timeout"),
    "dropped": ({ROOT: "CALL SCORE_0123456789AB()"}, "", f"{WAITS}{ROOT} FAILED: .*SCORE_0123456789AB"),
    "child": ({MONITORING: "SELECT * FROM GONE"}, "", f"{AFTER}{MONITORING} FAILED: .*GONE"),
    "finalizer": ({FINALIZER: "SELECT * FROM GONE"}, "", f"{AFTER}{FINALIZER} FAILED: .*GONE"),
}


@pytest.mark.parametrize("kind", FAILURES)
def test_a_run_that_failed_without_a_note_of_its_own_is_found(session: Session, project: Project, kind: str):
    bodies, options, says = FAILURES[kind]
    graph = started(session, project, f"found_{kind}", bodies, options)
    assert findings(graph, project, f"found_{kind}") == []
    graph.run()
    (finding,) = findings(graph, project, f"found_{kind}")
    assert re.search(says, finding, re.IGNORECASE | re.DOTALL)


def test_a_cancelled_run_is_found_and_a_good_one_after_it_is_well(session: Session, project: Project):
    graph = started(session, project, "found_cancelled", {ROOT: "CALL SYSTEM$WAIT(3)"})
    graph.execute()
    until(lambda: graph.tasks("EXECUTING"), "the run")
    graph.sql(f"SELECT SYSTEM$USER_TASK_CANCEL_ONGOING_EXECUTIONS('{graph.root}')")
    until(graph.ended, "its end")
    (finding,) = findings(graph, project, "found_cancelled")
    assert f"{ROOT} CANCELLED" in finding
    graph.run()
    assert findings(graph, project, "found_cancelled") == []


def test_the_last_error_of_a_suspended_task_is_its_own(session: Session, project: Project):
    options = "SUSPEND_TASK_AFTER_NUM_FAILURES = 1"
    graph = started(session, project, "found_suspended", {ROOT: "CALL SCORE_0123456789AB()"}, options)
    other = LightGraph(session, project.database("found_other"), {ROOT: "SELECT * FROM ANOTHER_PROJECTS_TABLE"})
    graph.run()
    other.run()
    (finding,) = findings(graph, project, "found_suspended")
    assert f"task {ROOT} is suspended (SUSPENDED_DUE_TO_ERRORS)" in finding
    assert f"last error: {ROOT} FAILED_AND_AUTO_SUSPENDED: " in finding
    assert "SCORE_0123456789AB" in finding
    assert "ANOTHER_PROJECTS_TABLE" not in finding


def test_rows_that_wait_longer_than_is_declared_are_found(project: Project):
    hasty = project.model_copy(update={"monitoring": Monitoring(max_backlog_age=timedelta(hours=1))})
    named = names(project, "dev")
    assert backlog_findings(hasty, named, None) == backlog_findings(hasty, named, 3600) == []
    (finding,) = backlog_findings(hasty, named, 5400)
    assert "for 1.5 hours, monitoring.max_backlog_age allows 1 hour" in finding
    assert backlog_findings(project, named, 86_400) == []
    assert backlog_findings(project, named, 86_401)


def consumers(text: str, database: str = "SAVINGS_DEV") -> tuple[str, ...]:
    task: dict[str, Any] = {"database_name": database, "schema_name": "X", "name": "T", "definition": text}
    return other_consumers([{**task, "condition": None}], "SAVINGS_DEV", "BANK_STREAM")


@pytest.mark.parametrize(
    "text",
    [
        "INSERT INTO T SELECT * FROM RAW.BANK_STREAM",
        "insert into t select * from bank_stream",
        'INSERT INTO T SELECT * FROM "SAVINGS_DEV"."RAW"."BANK_STREAM"',
    ],
)
def test_a_task_that_reads_the_stream_is_found(text: str):
    assert consumers(text) == ("SAVINGS_DEV.X.T",)


@pytest.mark.parametrize(
    ("text", "database"),
    [
        ("SELECT * FROM OTHER.SAVINGS_BANK_STREAM", "SAVINGS_DEV"),
        ("SELECT * FROM OTHER_DEV.RAW.BANK_STREAM", "SAVINGS_DEV"),
        ("SELECT * FROM OTHER.BANK_STREAM", "SAVINGS_DEV"),
        ("SELECT * FROM BANK_STREAM_2", "SAVINGS_DEV"),
        ("SELECT * FROM RAW.BANK_STREAM -- not that of SAVINGS_DEV", "OTHER_DEV"),
        ("SELECT * FROM MY_SAVINGS_DEV.RAW.BANK_STREAM", "OTHER_DEV"),
    ],
)
def test_a_task_that_reads_a_stream_of_a_like_name_is_left_alone(text: str, database: str):
    assert consumers(text, database) == ()


def test_the_tasks_of_the_graph_are_no_other_consumers():
    own = {"database_name": "SAVINGS_DEV", "schema_name": "SERVING", "name": ROOT, "definition": "RAW.BANK_STREAM"}
    assert other_consumers([own], "SAVINGS_DEV", "BANK_STREAM") == ()
    assert other_consumers([{**own, "schema_name": "OPS"}], "SAVINGS_DEV", "BANK_STREAM")
