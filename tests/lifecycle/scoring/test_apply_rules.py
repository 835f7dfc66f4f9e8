"""What apply checks again, because it may have changed since the plan was made."""

import pytest
from snowflake.snowpark import Session

from snowloop.errors import DeploymentError, PlanRefused
from snowloop.lifecycle.scoring.apply import apply_plan
from snowloop.lifecycle.scoring.plan import Plan, RequireEmptyStream, RunSql, Upload, WaitForRuns
from tests.support.graphs import LightGraph


@pytest.fixture
def graph(session: Session) -> LightGraph:
    """A graph that is started, and a standard stream."""
    made = LightGraph(session, "APPLY_DEV", options="SCHEDULE = '600 MINUTE'")
    for statement in (
        "CREATE SCHEMA APPLY_DEV.RAW",
        "CREATE TABLE APPLY_DEV.RAW.T (ID INT)",
        "INSERT INTO APPLY_DEV.RAW.T VALUES (1)",
        "CREATE STREAM APPLY_DEV.RAW.T_STREAM ON TABLE APPLY_DEV.RAW.T",
        f"ALTER TASK {made.root} RESUME",
    ):
        made.sql(statement)
    return made


def giving_up_corrections(graph: LightGraph) -> Plan:
    """A plan that was made while the stream was empty."""
    steps = (
        RunSql(f"ALTER TASK {graph.root} SUSPEND"),
        WaitForRuns(graph.root),
        RequireEmptyStream('"APPLY_DEV"."RAW"."T_STREAM"', graph.root),
        RunSql("CREATE OR REPLACE STREAM APPLY_DEV.RAW.T_STREAM ON TABLE APPLY_DEV.RAW.T APPEND_ONLY = TRUE"),
        RunSql(f"ALTER TASK {graph.root} RESUME"),
    )
    return Plan("apply", "dev", "", (), steps)


def modes(graph: LightGraph) -> tuple[str, str]:
    (stream,) = graph.sql("SHOW STREAMS IN SCHEMA APPLY_DEV.RAW")
    (root,) = graph.sql("SHOW TASKS LIKE 'SCORE_NEW_ROWS' IN SCHEMA APPLY_DEV.SERVING")
    return stream["mode"], root["state"]


def test_an_empty_stream_is_changed(graph: LightGraph):
    assert apply_plan(graph.session, giving_up_corrections(graph)).sent == 3
    assert modes(graph) == ("APPEND_ONLY", "started")


def test_a_correction_that_came_since_the_plan_is_not_lost_and_the_loop_goes_on(graph: LightGraph):
    plan = giving_up_corrections(graph)
    graph.sql("UPDATE APPLY_DEV.RAW.T SET ID = 2")
    with pytest.raises(PlanRefused, match=r"(?s)stream RAW\.T_STREAM: it holds changes .*let the loop empty it"):
        apply_plan(graph.session, plan)
    assert modes(graph) == ("DEFAULT", "started")
    assert len(graph.sql("SELECT * FROM APPLY_DEV.RAW.T_STREAM")) == 2


def test_a_file_that_is_not_the_planned_one_is_not_uploaded(graph: LightGraph):
    plan = Plan("apply", "dev", "", (), (Upload("@APPLY_DEV.RAW.CODE/snowloop_procedures.zip", "of other code"),))
    with pytest.raises(DeploymentError, match=r"CODE/snowloop_procedures\.zip is not uploaded: .* plan again"):
        apply_plan(graph.session, plan)
