"""Rows that are corrected in the source: scored again, counted right, and shown with the newest score alone."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from snowflake.snowpark import Session

from snowloop.errors import PlanRefused
from snowloop.lifecycle.champion.promote import promote
from snowloop.lifecycle.scoring import reconcile
from snowloop.lifecycle.scoring.apply import apply_plan
from snowloop.lifecycle.scoring.health import stream_health
from snowloop.lifecycle.scoring.plan import plan_scoring
from snowloop.lifecycle.scoring.reprocess.backfill import Rows, backfill
from snowloop.lifecycle.scoring.reprocess.recover import recover_loop
from snowloop.lifecycle.scoring.reprocess.requeue import requeue
from snowloop.lifecycle.scoring.status import loop_status
from snowloop.project import Project, load_project
from snowloop.sql import render_project
from snowloop.workspace import Workspace
from snowloop_procedures.scoring_request import Statement
from tests.lifecycle.scoring.test_incidents import data, rows_of
from tests.support.dying import Dying, KilledError
from tests.support.world import World

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

RECORD = "{db}.RAW.APPLICATION_RECORD"


def declared(project: Project, *, corrections: bool) -> Project:
    serving = project.serving.model_copy(update={"corrections": corrections})
    return project.model_copy(update={"serving": serving})


@pytest.fixture(scope="module")
def world(session: Session, tmp_path_factory: pytest.TempPathFactory) -> World:
    """A loop that served without corrections; a new row waits in its stream, one more was updated unseen."""
    project = load_project("credit_approval")
    metric = project.metric.model_copy(update={"at_least": 0.5, "tolerance": 0.5, "min_support": 5})
    made = World(session, project.model_copy(update={"metric": metric}), "corrects", data(tmp_path_factory.mktemp("c")))
    promote(Workspace(session, made.project, made.target), made.judge(made.prepare(), "logistic"))
    made.deploy()
    made.arrive("1")
    made.rows("ALTER TASK {db}.SERVING.SCORE_NEW_ROWS SUSPEND")
    add(made, 9_000_001)
    return made


@pytest.fixture(scope="module")
def correcting(world: World) -> World:
    """The same with corrections, changed by a deployment that is interrupted at each statement."""
    before = keys(world)
    world.project = declared(world.project, corrections=True)
    for at in range(1, 100):
        plan = plan_scoring(world.workspace)
        try:
            apply_plan(Dying(world.session, at, sent=at % 2 == 0), plan)  # type: ignore[arg-type]
        except KilledError:
            continue
        break
    pause(world)
    assert set(keys(world)) - set(before) == {9_000_001}
    return world


def pause(world: World) -> None:
    """Deploy, let the task score what waits, and then suspend it: the tests call its procedure themselves."""
    world.results["procedure"] = world.deploy().procedure
    world.arrive()
    world.rows("ALTER TASK {db}.SERVING.SCORE_NEW_ROWS SUSPEND")


def add(world: World, key: int) -> None:
    """A good row by SQL, like the first that arrived."""
    first = rows_of(world.folder, 2)[0][0]
    names = ", ".join(name for name in world.project.streamed.table_columns if name != "ID")
    world.rows(f"INSERT INTO {RECORD} (ID, {names}) SELECT {key}, {names} FROM {RECORD} WHERE ID = {first} LIMIT 1")


def keys(world: World) -> list[int]:
    return [row["ID"] for row in world.rows("SELECT ID FROM {db}.SERVING.SCORED ORDER BY ID")]


def shown(world: World, key: int) -> int:
    """How many scores of a key are shown as the current one."""
    return int(world.value(f"SELECT COUNT(*) FROM {{db}}.SERVING.LATEST_SCORES WHERE ID = {key}"))


def children(world: World, key: int) -> list[int]:
    """The feature as it was served, one for each score of a key in their order."""
    feature = "SELECT FEATURES:CNT_CHILDREN::INT AS N FROM {db}.SERVING.SCORED"
    return [row["N"] for row in world.rows(f"{feature} WHERE ID = {key} ORDER BY SCORED_AT")]


def follow(world: World, *changes: str) -> dict[str, Any]:
    """Change the source and score what the stream holds, which must leave nothing over and nothing lost."""
    for change in changes:
        world.rows(change)
    done: dict[str, Any] = json.loads(world.value(f"CALL {world.results['procedure']}()"))
    counts = reconcile(world.workspace)
    assert counts.pending == 0
    assert counts.source_rows - counts.baseline_rows == counts.scored + counts.quarantined - counts.removed
    return done


def test_a_loop_with_corrections_is_deployed_at_the_old_offset(correcting: World):
    (stream,) = correcting.rows("SHOW STREAMS IN SCHEMA {db}.RAW")
    assert stream["mode"] == "DEFAULT"
    reconcile(correcting.workspace)
    assert [change.name for change in plan_scoring(correcting.workspace).changes if change.action != "keep"] == [
        "SERVING.SCORE_NEW_ROWS"  # which is suspended
    ]


def test_an_update_is_scored_again_and_history_stays(correcting: World):
    key = int(rows_of(correcting.folder, 2)[0][0])
    old = children(correcting, key)
    scores = follow(correcting, f"UPDATE {RECORD} SET CNT_CHILDREN = {old[0] + 1} WHERE ID = {key}")
    assert [scores[name] for name in ("read", "scored", "quarantined")] == [1, 1, 0]
    assert children(correcting, key) == [*old, old[0] + 1]
    newest = correcting.value(f"SELECT FEATURES:CNT_CHILDREN FROM {{db}}.SERVING.LATEST_SCORES WHERE ID = {key}")
    assert int(newest) == old[0] + 1


def test_a_merge_corrects_rows_and_adds_some(correcting: World):
    before = int(correcting.value("SELECT MIN(ID) FROM {db}.SERVING.BASELINE"))
    names = ", ".join(correcting.project.streamed.table_columns)
    values = names.replace("ID", "N.ID", 1).replace("CNT_CHILDREN", "N.CNT_CHILDREN + 1")
    scores = follow(
        correcting,
        f"""MERGE INTO {RECORD} AS T USING (
            SELECT * FROM {RECORD} WHERE ID = {before}
            UNION ALL SELECT 9000002, {names.partition(", ")[2]} FROM {RECORD} WHERE ID = {before}
        ) AS N ON N.ID = T.ID
        WHEN MATCHED THEN UPDATE SET CNT_CHILDREN = N.CNT_CHILDREN + 1
        WHEN NOT MATCHED THEN INSERT ({names}) VALUES ({values.replace(", ", ", N.").replace("N.N.", "N.")})""",
    )
    assert (scores["read"], scores["scored"]) == (2, 2)
    assert (shown(correcting, before), shown(correcting, 9_000_002)) == (1, 1)


def test_a_deleted_row_is_no_longer_shown_until_it_comes_again(correcting: World):
    add(correcting, 9_000_005)
    follow(correcting)
    scores = follow(correcting, f"DELETE FROM {RECORD} WHERE ID = 9000005")
    assert scores["read"] == 0
    assert (shown(correcting, 9_000_005), len(children(correcting, 9_000_005))) == (0, 1)
    add(correcting, 9_000_005)
    assert follow(correcting)["scored"] == 1
    assert (shown(correcting, 9_000_005), len(children(correcting, 9_000_005))) == (1, 2)


def test_rows_that_are_taken_out_and_put_in_again_are_corrections(correcting: World):
    table, copy = RECORD, "{db}.OPS.COPIED"
    correcting.rows(f"CREATE OR REPLACE TABLE {copy} AS SELECT * FROM {table} WHERE ID > 9000000")
    correcting.rows(f"DELETE FROM {table} WHERE ID > 9000000")
    correcting.rows(f"INSERT INTO {table} SELECT * FROM {copy}")
    count = correcting.value(f"SELECT COUNT(*) FROM {copy}")
    assert loop_status(correcting.workspace).pending == stream_health(correcting.workspace).backlog == 2 * count
    assert follow(correcting)["quarantined"] == 0
    assert len(children(correcting, 9_000_001)) == 2


def test_a_second_row_of_a_key_is_no_correction(correcting: World):
    add(correcting, 9_000_001)
    follow(correcting)
    reason = "SELECT REASON FROM {db}.SERVING.QUARANTINE WHERE ID = 9000001"
    assert [row["REASON"] for row in correcting.rows(reason)] == ["duplicate key: the source has another row with it"]
    assert len(children(correcting, 9_000_001)) == 2
    follow(correcting, f"UPDATE {RECORD} SET CNT_CHILDREN = 5 WHERE ID = 9000001")  # of both: one of them counts
    assert len(children(correcting, 9_000_001)) == 3
    assert shown(correcting, 9_000_001) == 1


def test_a_correction_that_breaks_the_contract_is_quarantined_and_hides_the_score(correcting: World):
    add(correcting, 9_000_003)
    follow(correcting)
    assert follow(correcting, f"UPDATE {RECORD} SET CODE_GENDER = 'XNA' WHERE ID = 9000003")["quarantined"] == 1
    assert shown(correcting, 9_000_003) == 0
    assert requeue(correcting.workspace).requeued == 0
    assert follow(correcting, f"UPDATE {RECORD} SET CODE_GENDER = 'M' WHERE ID = 9000003")["scored"] == 1
    assert shown(correcting, 9_000_003) == 1


def test_a_quarantined_correction_is_requeued_once_it_is_repaired(correcting: World):
    follow(correcting, f"UPDATE {RECORD} SET CODE_GENDER = 'XNA', CNT_CHILDREN = 7 WHERE ID = 9000003")
    correcting.rows("UPDATE {db}.SERVING.QUARANTINE SET CODE_GENDER = 'F' WHERE ID = 9000003")
    assert requeue(correcting.workspace).requeued == 1
    assert requeue(correcting.workspace).requeued == 0
    reconcile(correcting.workspace)
    assert children(correcting, 9_000_003)[-1] == 7  # its newest image
    assert shown(correcting, 9_000_003) == 1


def test_a_backfill_scores_what_the_source_has_now(correcting: World):
    add(correcting, 9_000_004)
    follow(correcting)
    follow(correcting, f"DELETE FROM {RECORD} WHERE ID IN (9000002, 9000003)", f"UPDATE {RECORD} SET CNT_CHILDREN = 3")
    before = len(keys(correcting))
    current = correcting.rows(f"SELECT DISTINCT ID FROM {RECORD} ORDER BY ID")
    done = backfill(correcting.workspace, batch_size=2000)
    assert done.scored == len(current)
    assert len(keys(correcting)) == before + done.scored
    latest = correcting.rows("SELECT ID, FEATURES:CNT_CHILDREN::INT AS N FROM {db}.SERVING.LATEST_SCORES ORDER BY ID")
    assert [row["ID"] for row in latest] == [row["ID"] for row in current]
    assert {row["N"] for row in latest} == {3}
    reconcile(correcting.workspace)


def test_a_correction_while_a_backfill_reads_is_the_newer_score(
    correcting: World, snowflake_connection: dict[str, Any], monkeypatch: pytest.MonkeyPatch
):
    """The batch has read the old version when the loop scores the new one, and is committed after it."""
    whole = Statement.count

    def late(statement: Statement, session: Session, **values: Any) -> int:
        rows = whole(statement, session, **values)
        other = Session.builder.configs(snowflake_connection).create()
        try:
            aside = World(other, correcting.project, correcting.target, results=correcting.results)
            follow(aside, f"UPDATE {RECORD} SET CNT_CHILDREN = 4 WHERE ID = 9000004")
        finally:
            other.close()
        return rows

    monkeypatch.setattr(Statement, "count", late)
    assert backfill(correcting.workspace, rows=Rows(first_key=9_000_004, last_key=9_000_004)).scored == 1
    newest = "SELECT FEATURES:CNT_CHILDREN FROM {db}.SERVING.LATEST_SCORES WHERE ID = 9000004"
    assert int(correcting.value(newest)) == 4


def test_the_newest_scores_are_those_of_the_rows_that_are_there(correcting: World):
    computed = render_project(correcting.project, "features.sql", source=RECORD)
    there = {row["ID"]: row["CNT_CHILDREN"] for row in correcting.rows(computed)}
    latest = correcting.rows("SELECT ID, FEATURES:CNT_CHILDREN::INT AS N FROM {db}.SERVING.LATEST_SCORES")
    assert {row["ID"]: row["N"] for row in latest} == there


def lose_by_replacing(world: World) -> None:
    world.rows(f"CREATE OR REPLACE TABLE {RECORD} AS SELECT * FROM {RECORD}")


def lose_by_dropping(world: World) -> None:
    world.rows("DROP STREAM {db}.RAW.APPLICATION_RECORD_STREAM")


@pytest.mark.parametrize(("lose", "base"), [(lose_by_replacing, 9_100_000), (lose_by_dropping, 9_200_000)])
def test_new_and_deleted_rows_are_found_when_the_stream_was_lost(
    correcting: World, lose: Callable[[World], None], base: int
):
    deleted, again, new = base, base + 1, base + 2
    add(correcting, deleted)
    add(correcting, again)
    follow(correcting)
    follow(correcting, f"DELETE FROM {RECORD} WHERE ID = {again}")
    lose(correcting)
    correcting.rows(f"DELETE FROM {RECORD} WHERE ID = {deleted}")
    add(correcting, again)
    add(correcting, new)
    health = stream_health(correcting.workspace)
    assert health.stale
    assert "run `snowloop recover`" in health.findings[0]
    done = recover_loop(correcting.workspace, lost=False)
    assert (done.rows, done.scored) == (2, 2)
    follow(correcting)
    assert [shown(correcting, key) for key in (deleted, again, new)] == [0, 1, 1]
    assert follow(correcting, f"UPDATE {RECORD} SET CNT_CHILDREN = 6 WHERE ID = {new}")["scored"] == 1


def test_corrections_are_switched_off_only_once_they_are_scored(correcting: World):
    plain = replace(correcting, project=declared(correcting.project, corrections=False))
    correcting.rows(f"UPDATE {RECORD} SET CNT_CHILDREN = 8 WHERE ID = 9000001")
    with pytest.raises(PlanRefused, match=r"corrections and deletions would be lost.*let the loop empty it"):
        plain.deploy()
    pause(correcting)
    assert children(correcting, 9_000_001)[-1] == 8
    add(plain, 9_300_001)
    follow(correcting)
    pause(plain)
    add(plain, 9_300_002)
    assert follow(plain, f"UPDATE {RECORD} SET CNT_CHILDREN = 1 WHERE ID = 9300001")["scored"] == 1
    assert len(children(plain, 9_300_001)) == 1
