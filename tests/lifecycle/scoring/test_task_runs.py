"""Runs of the graph: which are under way, and how they ended, whatever else runs in the account."""

from datetime import UTC, datetime, timedelta

import duckdb
import pytest
from snowflake.snowpark import Session

from local_snowflake.testing import LocalSnowflake
from snowloop.errors import DeploymentError
from snowloop.lifecycle.scoring import apply
from snowloop.lifecycle.scoring.apply import wait_for_runs
from snowloop.lifecycle.scoring.names import MONITORING, ROOT
from snowloop.lifecycle.scoring.task_runs import graph_runs, root_task, statements_under_way, under_way
from tests.support.graphs import LightGraph, until

OTHERS = 10_100
"""More runs of other tasks than TASK_HISTORY returns at most."""


def flood(server: LocalSnowflake) -> None:
    """Let a stopped server remember runs of another task that are newer than all that will come."""
    later = datetime.now(UTC) + timedelta(hours=1)
    with duckdb.connect(str(next(server.data_dir.rglob("*.duckdb")))) as duck:
        graph = [1, 1, "other", "OTHER", "D", "SERVING", 1, 1, "SCHEDULE", later, None, later, later, "SUCCEEDED"]
        duck.execute(f"INSERT INTO \"$META\".task_graph_runs VALUES ({', '.join('?' * 14)}, NULL, '{{}}')", graph)
        duck.execute(
            "INSERT INTO \"$META\".task_runs SELECT 1, 1, 'OTHER', 'other', 'q' || range, 'SELECT 1', NULL, ?, "
            f"'SUCCEEDED', ?, ?, NULL, NULL, NULL FROM range({OTHERS})",
            [later] * 3,
        )


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_run_is_waited_for_whatever_the_account_has_run_since(own_snowflake: LocalSnowflake):
    own_snowflake.stop()
    flood(own_snowflake)
    own_snowflake.start()
    session = Session.builder.configs(own_snowflake.connection()).create()
    try:
        graph = LightGraph(session, "A_DEV", {ROOT: "CALL SYSTEM$WAIT(8)"})
        graph.execute()
        until(lambda: under_way(session, "A_DEV"), "the run")
        assert graph.tasks("EXECUTING") == []  # pushed out of what TASK_HISTORY returns for the account
        assert statements_under_way(session, "A_DEV") == ["CALL SYSTEM$WAIT(8)"]
        wait_for_runs(session, graph.root)
        assert len(graph.ended()) == 1
        (run,) = graph_runs(session, "A_DEV", root_task(session, "A_DEV"))
        assert (run.over, run.failure, len(run.tasks)) == (True, None, 3)
    finally:
        session.close()


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_graph_between_two_of_its_tasks_is_under_way(session: Session, monkeypatch: pytest.MonkeyPatch):
    graph = LightGraph(session, "BETWEEN_DEV", {ROOT: "CALL SYSTEM$WAIT(5)"})
    graph.sql("CREATE SCHEMA BETWEEN_DEV.OTHERS")
    names = [f"BETWEEN_DEV.OTHERS.T{number}" for number in range(24)]
    for name in names:
        graph.sql(f"CREATE TASK {name} WAREHOUSE = SNOWLOOP_WH AS CALL SYSTEM$WAIT(25)")
    graph.execute()
    for name in names:  # more than run at a time, so that the child has to wait for its turn
        graph.sql(f"EXECUTE TASK {name}")
    until(lambda: ROOT in graph.tasks("SUCCEEDED"), "the end of the root")
    assert MONITORING in graph.tasks("SCHEDULED")
    assert not {ROOT, MONITORING} & {*graph.tasks("EXECUTING")}
    monkeypatch.setattr(apply, "RUN_SECONDS", 1.0)
    with pytest.raises(DeploymentError, match="is still under way after 1 s: wait for it, or cancel it"):
        wait_for_runs(session, graph.root)
    (run,) = graph_runs(session, "BETWEEN_DEV", root_task(session, "BETWEEN_DEV"))
    assert not run.over
    monkeypatch.undo()
    wait_for_runs(session, graph.root)
    assert len(graph.ended()) == 1


def test_a_task_that_is_not_of_the_graph_is_not_waited_for(session: Session):
    graph = LightGraph(session, "APART_DEV")
    graph.sql("CREATE TASK APART_DEV.SERVING.OWN WAREHOUSE = SNOWLOOP_WH AS CALL SYSTEM$WAIT(60)")
    graph.sql("EXECUTE TASK APART_DEV.SERVING.OWN")
    until(lambda: graph.tasks("EXECUTING"), "the other task's run")
    assert under_way(session, "APART_DEV") == []
    wait_for_runs(session, graph.root)
    assert graph.tasks("EXECUTING") == ["OWN"]
    graph.sql("SELECT SYSTEM$USER_TASK_CANCEL_ONGOING_EXECUTIONS('APART_DEV.SERVING.OWN')")


def test_a_run_of_a_root_that_was_replaced_since_is_under_way(session: Session):
    graph = LightGraph(session, "REPLACED_DEV", {ROOT: "CALL SYSTEM$WAIT(4)"})
    graph.execute()
    until(lambda: ROOT in graph.tasks("EXECUTING"), "the run")
    graph.sql(f"CREATE OR REPLACE TASK {graph.root} WAREHOUSE = SNOWLOOP_WH AS SELECT 1")
    assert statements_under_way(session, "REPLACED_DEV") == ["CALL SYSTEM$WAIT(4)"]
    wait_for_runs(session, graph.root)
    assert len(graph.ended()) == 1


def test_a_failed_child_fails_the_run_and_a_retry_repairs_it(session: Session):
    body = {MONITORING: "INSERT INTO RETRY_DEV.OPS.NOWHERE VALUES (1)"}
    graph = LightGraph(session, "RETRY_DEV", body, "TASK_AUTO_RETRY_ATTEMPTS = 1")
    graph.run(attempts=2)
    (run,) = graph_runs(session, "RETRY_DEV", root_task(session, "RETRY_DEV"))
    assert run.over
    assert run.failure
    assert (run.failure.name, run.failure.state, run.failure.attempt) == (MONITORING, "FAILED", 2)
    assert "NOWHERE" in str(run.failure)
    graph.sql("CREATE TABLE RETRY_DEV.OPS.NOWHERE (N INT)")
    graph.sql(f"EXECUTE TASK {graph.root} RETRY LAST")
    until(lambda: len(graph.ended()) >= 3, "the end of the retry")
    (run,) = graph_runs(session, "RETRY_DEV", root_task(session, "RETRY_DEV"))
    assert (run.over, run.failure) == (True, None)
