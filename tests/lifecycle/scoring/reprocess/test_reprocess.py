"""Backfill, requeue, health and recovery on a running local Snowflake, each checked by reconciling."""

from dataclasses import replace
from typing import Any

import pytest
from snowflake.snowpark import Session

from snowloop.errors import AnswerError, ScoringError
from snowloop.lifecycle.champion.promote import promote
from snowloop.lifecycle.scoring import reconcile, wait
from snowloop.lifecycle.scoring.health import stream_health
from snowloop.lifecycle.scoring.reprocess.backfill import Rows, backfill
from snowloop.lifecycle.scoring.reprocess.recover import recover_loop
from snowloop.lifecycle.scoring.reprocess.requeue import requeue
from snowloop.project import load_project
from snowloop.workspace import Workspace
from snowloop_procedures.scoring_request import Statement
from tests.lifecycle.scoring.test_incidents import data, later, rows_of
from tests.support.dying import Interrupted
from tests.support.world import World

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def world(session: Session, tmp_path_factory: pytest.TempPathFactory) -> World:
    """A champion that serves, 20 rows scored by it, and one in quarantine."""
    project = load_project("credit_approval")
    metric = project.metric.model_copy(update={"at_least": 0.5, "tolerance": 0.5, "min_support": 5})
    made = World(session, project.model_copy(update={"metric": metric}), "repair", data(tmp_path_factory.mktemp("c")))
    verdict = made.judge(made.prepare(), "logistic")
    promote(Workspace(session, made.project, made.target), verdict)
    made.deploy()
    bad = [str(9_000_001), "XNA", *rows_of(made.folder, 2)[0][2:]]
    later(made.folder, 3, [bad, bad])
    made.arrive("1", "2")
    return made


def scored(world: World) -> int:
    return int(world.value("SELECT COUNT(*) FROM {db}.SERVING.SCORED"))


def test_a_healthy_loop_has_no_findings(world: World):
    health = stream_health(world.workspace)
    assert health.findings == ()
    assert (health.stale, health.backlog, health.consumers) == (False, 0, ())
    assert health.days_to_stale is not None
    assert health.days_to_stale > 10


def test_what_triggers_ask_is_answered(world: World):
    assert wait.stream_has_data(world.workspace) is None
    assert wait.backlog_below(world.workspace, rows=1) == 0
    assert wait.backlog_below(world.workspace, rows=0) is None
    ended = wait.run_finished(world.workspace, since="2001-01-01")
    assert ended is not None
    assert ended["state"] == "SUCCEEDED"
    assert wait.run_finished(world.workspace, since="2999-01-01T00:00:00+00:00") is None


def test_a_killed_backfill_goes_on_where_it_was_and_leaves_the_loop_exact(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    before = reconcile(world.workspace)
    keys = [int(row["ID"]) for row in world.rows("SELECT ID FROM {db}.SERVING.SCORED ORDER BY ID")]
    rows = Rows(first_key=keys[0], last_key=keys[-1])
    whole, batches = Statement.count, []

    def killed(statement: Statement, session: Session, **values: Any) -> int:
        batches.append(values["batch"])
        if len(batches) == 3:
            raise KeyboardInterrupt
        return whole(statement, session, **values)

    monkeypatch.setattr(Statement, "count", killed)
    with pytest.raises(KeyboardInterrupt):
        backfill(world.workspace, rows=rows, batch_size=8)
    monkeypatch.undo()
    half = scored(world)
    done = backfill(world.workspace, rows=rows, batch_size=8)
    assert done.resumed_at == 2
    assert done.rows == done.scored > 16
    assert scored(world) == half - 16 + done.rows
    again = f"SELECT COUNT(*), COUNT(DISTINCT ID) FROM {{db}}.SERVING.SCORED WHERE RUN_ID = '{done.run_id}'"
    assert tuple(world.rows(again)[0]) == (done.rows, done.rows)
    assert backfill(world.workspace, rows=rows, batch_size=8, run_id=done.run_id).resumed_at == done.batches
    assert scored(world) == half - 16 + done.rows
    assert reconcile(world.workspace) == before
    run = world.rows(f"SELECT STATE, KIND, ROWS_SCORED FROM {{db}}.OPS.RUNS WHERE RUN_ID = '{done.run_id}'")
    assert [tuple(row) for row in run] == [("SUCCEEDED", "backfill", done.rows)]
    counted = (
        "SELECT RUN_ID, COLUMN_NAME, SUM(N) AS N FROM {db}.OPS.DRIFT_COUNTS WHERE KIND = 'backfill' "
        "GROUP BY RUN_ID, COLUMN_NAME"
    )
    rows_counted = world.rows(counted)
    assert {(row["RUN_ID"], row["N"]) for row in rows_counted} == {(done.run_id, done.rows)}
    assert len(rows_counted) == world.value("SELECT COUNT(DISTINCT COLUMN_NAME) FROM {db}.OPS.BASELINES")


def test_the_newest_score_of_a_key_is_the_latest(world: World):
    latest = world.rows("SELECT ID, RUN_ID FROM {db}.SERVING.LATEST_SCORES")
    assert len({row["ID"] for row in latest}) == len(latest) < scored(world)
    (kind,) = world.rows(
        "SELECT DISTINCT R.KIND FROM {db}.SERVING.LATEST_SCORES L JOIN {db}.SERVING.BASELINE B ON B.ID = L.ID"
        " JOIN {db}.OPS.RUNS R ON R.RUN_ID = L.RUN_ID"
    ) or [[None]]
    assert kind[0] in (None, "backfill")


def test_a_backfill_of_a_period_takes_its_rows_alone(world: World):
    assert backfill(world.workspace, rows=Rows(end="2001-01-01")).rows == 0
    assert backfill(world.workspace, rows=Rows(start="2001-01-01"), batch_size=100).rows > 0


def test_a_run_whose_record_is_gone_does_not_end_as_a_success(world: World):
    def delete() -> None:
        world.rows("DELETE FROM {db}.OPS.RUNS WHERE KIND = 'backfill' AND STATE = 'RUNNING'")

    interrupted: Any = Interrupted(world.session, "SET STATE = 'SUCCEEDED'", delete)
    rows = Rows(end="2001-01-02")
    with pytest.raises(AnswerError, match=r"finish_run wrote 0 rows in .*, it must write 1"):
        backfill(replace(world.workspace, session=interrupted), rows=rows)
    assert backfill(world.workspace, rows=rows).rows == 0


def test_an_unknown_version_is_named(world: World):
    with pytest.raises(ScoringError, match="has no version or alias 'NOPE' to score with: it has LOGISTIC_"):
        backfill(world.workspace, version="NOPE")


def test_a_repaired_row_is_requeued_once(world: World):
    before = reconcile(world.workspace)
    assert requeue(world.workspace).requeued == 0
    world.rows("UPDATE {db}.SERVING.QUARANTINE SET CODE_GENDER = 'F' WHERE ID = 9000001")
    done = requeue(world.workspace)
    assert done.requeued == 1
    assert requeue(world.workspace).requeued == 0
    assert world.value("SELECT COUNT(*) FROM {db}.SERVING.SCORED WHERE ID = 9000001") == 1
    counted = world.rows("SELECT DISTINCT RUN_ID, N FROM {db}.OPS.DRIFT_COUNTS WHERE KIND = 'requeue'")
    assert [tuple(row) for row in counted] == [(done.run_id, 1)]
    after = reconcile(world.workspace)
    assert (after.scored, after.quarantined) == (before.scored + 1, before.quarantined - 1)
    assert stream_health(world.workspace).findings == ()


def test_a_second_consumer_and_a_suspended_task_are_found(world: World):
    thief = "INSERT INTO {db}.OPS.RUNS (RUN_ID) SELECT ID::VARCHAR FROM {db}.RAW.APPLICATION_RECORD_STREAM"
    world.rows(f"CREATE TASK {{db}}.OPS.THIEF WAREHOUSE = SNOWLOOP_WH SCHEDULE = '60 MINUTE' AS {thief}")
    world.rows("ALTER TASK {db}.SERVING.SCORE_NEW_ROWS SUSPEND")
    health = stream_health(world.workspace)
    assert health.consumers == (f"{world.database}.OPS.THIEF",)
    assert any("THIEF names" in finding and "give it a stream" in finding for finding in health.findings)
    assert any("SCORE_NEW_ROWS is suspended" in finding for finding in health.findings)
    world.rows("DROP TASK {db}.OPS.THIEF")
    world.deploy()
    assert stream_health(world.workspace).findings == ()


@pytest.mark.parametrize("killed", [False, True])
def test_a_stale_stream_is_found_and_recovered_without_loss_or_double(world: World, killed: bool):
    base = 9_500_001 + 10 * killed
    world.rows("ALTER TASK {db}.SERVING.SCORE_NEW_ROWS SUSPEND")
    good = rows_of(world.folder, 2)[0]
    new = [[str(base), *good[1:]], [str(base), *good[1:]], [str(base + 1), "XNA", *good[2:]], good]
    later(world.folder, 4 + 2 * killed, new)
    world.load(part="arrivals")
    table = "{db}.RAW.APPLICATION_RECORD"
    world.rows(f"CREATE OR REPLACE TABLE {table} AS SELECT * FROM {table}")
    health = stream_health(world.workspace)
    assert health.stale
    assert "is stale, new rows are not scored: run `snowloop recover`, or the DAG" in health.findings[0]
    if killed:
        killing: Any = Interrupted(world.session, "SET HOLDER", interrupt, 2)  # when the missed rows are to be scored
        with pytest.raises(KeyboardInterrupt):
            recover_loop(replace(world.workspace, session=killing), lost=False)
    done = recover_loop(world.workspace, lost=False)
    assert (done.recovered, done.rows, done.scored, done.quarantined) == (True, 4, 1, 3)
    assert not recover_loop(world.workspace, lost=False).recovered
    reconcile(world.workspace)
    world.deploy()
    later(world.folder, 5 + 2 * killed, [[str(base + 2), *good[1:]]])
    world.load(part="arrivals")
    assert world.arrive().scored == 1
    reconcile(world.workspace)


def interrupt() -> None:
    raise KeyboardInterrupt
