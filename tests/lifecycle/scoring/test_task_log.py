"""OPS.TASK_RUNS: what the finalizer keeps of the graph's runs, when several projects are in one account."""

from collections import Counter
from typing import Any

from snowflake.snowpark import Session

from snowloop.lifecycle.scoring.names import FINALIZER, GRAPH, MONITORING, ROOT
from snowloop.sql import render
from tests.support.graphs import LightGraph

TABLE = """
CREATE TABLE {db}.OPS.TASK_RUNS (
    TASK_NAME VARCHAR, QUERY_ID VARCHAR, GRAPH_RUN_GROUP_ID VARCHAR, STATE VARCHAR, ERROR VARCHAR,
    STARTED_AT TIMESTAMP_NTZ, FINISHED_AT TIMESTAMP_NTZ, LOGGED_AT TIMESTAMP_NTZ
)
"""


def logging(session: Session, database: str, bodies: dict[str, str] | None = None) -> LightGraph:
    log = render("scoring/log_runs.sql", database=database, task_names=GRAPH)
    graph = LightGraph(session, database, {FINALIZER: log, **(bodies or {})})
    graph.sql(TABLE.format(db=database))
    return graph


def logged(graph: LightGraph) -> list[Any]:
    return graph.sql(f"SELECT * FROM {graph.database}.OPS.TASK_RUNS ORDER BY FINISHED_AT")


def test_each_project_logs_the_runs_of_its_own_graph_once(session: Session):
    one, two = logging(session, "LOG_ONE_DEV"), logging(session, "LOG_TWO_DEV")
    runs = {graph.database: [str(graph.run()["GRAPH_RUN_GROUP_ID"]) for _ in range(2)] for graph in (one, two, one)}
    for graph in (one, two):
        rows = logged(graph)
        assert {row["GRAPH_RUN_GROUP_ID"] for row in rows} >= {*runs[graph.database]}
        counts = Counter((row["TASK_NAME"], row["GRAPH_RUN_GROUP_ID"]) for row in rows)
        assert set(counts.values()) == {1}
        ids = {str(row["GRAPH_RUN_GROUP_ID"]) for row in graph.ended()}
        assert {row["GRAPH_RUN_GROUP_ID"] for row in rows} == ids
        # a finalizer's own run is logged by the one after it
        assert Counter(row["TASK_NAME"] for row in rows) == Counter(
            {ROOT: len(ids), MONITORING: len(ids), FINALIZER: len(ids) - 1}
        )


def test_a_failed_child_is_logged_with_its_error(session: Session):
    graph = logging(session, "LOG_CHILD_DEV", {MONITORING: "SELECT * FROM GONE"})
    graph.run()
    states = {row["TASK_NAME"]: (row["STATE"], row["ERROR"]) for row in logged(graph)}
    assert states[ROOT] == ("SUCCEEDED", None)
    assert states[MONITORING][0] == "FAILED"
    assert "GONE" in states[MONITORING][1]
