"""Recovery, requeue and backfill that are killed inside their transactions, done twice at once, or resumed."""

import json
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from local_snowflake.testing import LocalSnowflake
from snowloop.errors import PlanRefused, ScoringError
from snowloop.lifecycle.scoring import reconcile
from snowloop.lifecycle.scoring.health import stream_health
from snowloop.lifecycle.scoring.reprocess.backfill import Backfill, Rows, backfill
from snowloop.lifecycle.scoring.reprocess.recover import recover_loop
from snowloop.lifecycle.scoring.reprocess.requeue import requeue
from snowloop.lifecycle.scoring.status import loop_status
from tests.support.dying import Dying, Interrupted, KilledError, killed_at_each
from tests.support.tiny import Event, insertion
from tests.support.trial import Trial

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def trial(local_snowflake: LocalSnowflake, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trial]:
    """A loop that scores corrections."""
    made = Trial(tmp_path_factory.mktemp("repairs"), 1, local_snowflake, "repairs", corrections=True)
    made.prepare()
    yield made
    made.world.session.close()


@pytest.fixture(autouse=True)
def resting(trial: Trial) -> None:
    """The loop is as declared, and paused: the tests call its procedure themselves."""
    trial.settle()
    trial.world.rows("ALTER TASK {db}.SERVING.SCORE_NEW_ROWS SUSPEND")


def follow(trial: Trial) -> dict[str, Any]:
    done: dict[str, Any] = json.loads(trial.world.value(f"CALL {trial.world.results['deployment'].procedure}()"))
    reconcile(trial.workspace)
    return done


def count(trial: Trial, table: str, which: str = "TRUE") -> int:
    return int(trial.world.value(f"SELECT COUNT(*) FROM {{db}}.{table} WHERE {which}"))


def written(trial: Trial) -> tuple[int, ...]:
    """What a recovery or a requeue writes, all of it together."""
    tables = ("SERVING.SCORED", "SERVING.QUARANTINE", "SERVING.CORRECTIONS", "SERVING.REQUEUED", "OPS.RECOVERY_ROWS")
    binned = trial.world.value("SELECT COALESCE(SUM(N), 0) FROM {db}.OPS.DRIFT_COUNTS WHERE COLUMN_NAME = '(score)'")
    return (*(count(trial, table) for table in tables), int(binned), count(trial, "OPS.RUNS", "STATE = 'SUCCEEDED'"))


def broken(trial: Trial, number: int) -> list[Event]:
    """Rows that the contract refuses for their KIND alone; they are in quarantine."""
    made = [trial.event(max(trial.sent) + 1) for _ in range(number)]
    for event in made:
        trial.sent[event.tag] = Event(event.key, event.x, event.y, "Z", event.happened_at, event.tag)
    events = [trial.sent[event.tag] for event in made]
    trial.insert(events)
    assert follow(trial)["quarantined"] == number
    return events


def repair(trial: Trial, event: Event) -> None:
    trial.world.rows(f"UPDATE {{db}}.SERVING.QUARANTINE SET KIND = 'A' WHERE TAG = {event.tag}")


def lose(trial: Trial, number: int) -> list[Event]:
    """A scored row is deleted, good rows and a bad one arrive, while there is no stream."""
    deleted, *_ = events = trial.events(2)
    trial.insert(events)
    assert follow(trial)["scored"] == 2
    trial.world.rows("DROP STREAM {db}.RAW.EVENTS_STREAM")
    trial.world.rows(f"DELETE FROM {{db}}.RAW.EVENTS WHERE TAG = {deleted.tag}")
    trial.gone.add(deleted.tag)
    lost = trial.events(number)
    bad = trial.event(max(trial.sent) + 1)
    trial.sent[bad.tag] = Event(bad.key, -1.5, bad.y, bad.kind, bad.happened_at, bad.tag)
    trial.insert([*lost, trial.sent[bad.tag]])
    return lost


def killed(trial: Trial, act: Callable[..., Any]) -> list[tuple[int, ...]]:
    """What was written after each kill of something, until it came through, and at the end."""
    kills = killed_at_each(trial.open, lambda session: act(replace(trial.workspace, session=session)))
    return [*(written(trial) for _ in kills), written(trial)]


def test_a_recovery_killed_at_any_statement_writes_all_or_nothing_and_is_completed(trial: Trial):
    lost = lose(trial, 3)
    before = written(trial)
    seen = killed(trial, recover_loop)
    assert len(seen) > 15
    # one that is killed once it has committed is repeated, by a run that finds nothing
    assert {each[:-1] for each in seen} == {before[:-1], seen[-1][:-1]}
    scored, quarantined, corrections, requeued, left, binned, runs = (
        b - a for a, b in zip(before, seen[-1], strict=True)
    )
    assert (scored, quarantined, corrections, requeued, left, binned) == (len(lost), 1, 1, 0, 0, len(lost))
    assert runs >= 1
    assert count(trial, "OPS.RUNS", "KIND = 'recovery' AND STATE <> 'SUCCEEDED'") == 0
    trial.deploy()
    reconcile(trial.workspace)


def test_until_a_recovery_is_done_the_root_rests_plan_refuses_and_health_and_status_tell(trial: Trial):
    """The stream is sound again from its first step on."""
    lose(trial, 2)
    trial.world.rows("CREATE STREAM {db}.RAW.EVENTS_STREAM ON TABLE {db}.RAW.EVENTS")  # as if by the first step
    trial.world.rows("ALTER TASK {db}.SERVING.SCORE_NEW_ROWS RESUME")
    before = count(trial, "SERVING.SCORED")

    def fails() -> None:
        raise KilledError

    failing: Any = Interrupted(trial.world.session, 'INTO "TINY_REPAIRS"."SERVING"."SCORED"', fails)
    with pytest.raises(KilledError):
        recover_loop(replace(trial.workspace, session=failing))
    (task,) = trial.world.rows("SHOW TASKS LIKE 'SCORE_NEW_ROWS' IN SCHEMA {db}.SERVING")
    assert task["state"] == "suspended"
    with pytest.raises(PlanRefused, match=r"begun .* is not done.*run `snowloop recover` until it is done, then apply"):
        trial.deploy()
    assert "rows that were lost are not scored: run `snowloop recover`" in stream_health(trial.workspace).findings[0]
    status = loop_status(trial.workspace)
    assert not status.healthy
    assert "is not done: it is under way, or was interrupted; run `snowloop recover`" in status.text()
    assert count(trial, "SERVING.SCORED") == before
    assert recover_loop(trial.workspace, lost=False).scored == 2
    trial.deploy()
    assert loop_status(trial.workspace).healthy
    assert stream_health(trial.workspace).findings == ()


@pytest.mark.parametrize(
    ("before", "rows"),
    [
        (("BEGIN", 1), 0),  # before it is noted that a recovery runs: there is nothing left to do
        (("SHOW STREAMS LIKE", 1), 4),
        (("CREATE OR REPLACE STREAM", 1), 5),  # which moves the offset past the row that has arrived
        (("SELECT HOLDER", 2), 4),
        (("BEGIN", 2), 4),
        (("SET HOLDER", 2), 4),
    ],
)
def test_two_recoveries_at_once_score_what_was_lost_once(trial: Trial, before: tuple[str, int], rows: int):
    """Another one does all of it just before a statement of the first, and then a row arrives."""
    lose(trial, 3)
    scored, quarantined, *_ = written(trial)
    done = []

    def whole() -> None:
        done.append(recover_loop(replace(trial.workspace, session=other), lost=False))
        other.sql(insertion(trial.events(1)).replace("{db}", trial.world.database)).collect()

    first: Any = Interrupted(trial.world.session, before[0], whole, before[1])
    with closing(trial.open()) as other:
        done.append(recover_loop(replace(trial.workspace, session=first)))
    assert [each.rows for each in done] == [4, rows]
    assert written(trial)[:2] == (scored + 3 + (rows == 5), quarantined + 1)
    assert count(trial, "OPS.RUNS", "KIND = 'recovery' AND STATE <> 'SUCCEEDED'") == 0
    trial.settle()
    assert written(trial)[:2] == (scored + 4, quarantined + 1)
    reconcile(trial.workspace)


def test_a_recovery_leaves_what_waits_in_the_stream(trial: Trial):
    """Rows that another consumer took are looked for; a correction that waits is not taken with them."""
    event, *_ = trial.events(1)
    trial.insert([event])
    follow(trial)
    trial.world.rows(f"UPDATE {{db}}.RAW.EVENTS SET X = 5.25 WHERE TAG = {event.tag}")
    assert recover_loop(trial.workspace).rows == 0
    assert count(trial, "RAW.EVENTS_STREAM") == 2
    assert follow(trial)["scored"] == 1
    newest = f"SELECT FEATURES:X::FLOAT FROM {{db}}.SERVING.LATEST_SCORES WHERE ID = {event.key}"
    assert trial.world.value(newest) == 5.25


def test_a_requeue_killed_at_any_statement_writes_all_or_nothing_and_apply_starts_the_root(trial: Trial):
    event, *_ = broken(trial, 2)
    repair(trial, event)
    trial.deploy()
    before = written(trial)
    seen = killed(trial, requeue)
    assert len(seen) > 8
    assert set(seen) == {before, seen[-1]}
    assert [b - a for a, b in zip(before, seen[-1], strict=True)] == [1, 0, 0, 1, 0, 1, 1]
    (task,) = trial.world.rows("SHOW TASKS LIKE 'SCORE_NEW_ROWS' IN SCHEMA {db}.SERVING")
    assert task["state"] == "suspended"
    trial.deploy()
    assert loop_status(trial.workspace).healthy
    reconcile(trial.workspace)


def some_keys(trial: Trial) -> Rows:
    """Five keys that have a score."""
    events = trial.events(5)
    trial.insert(events)
    follow(trial)
    return Rows(first_key=events[0].key, last_key=events[-1].key)


def test_a_backfill_killed_at_any_statement_counts_just_what_is_written(trial: Trial):
    rows = some_keys(trial)
    scored, steps = count(trial, "SERVING.SCORED"), 0
    act = partial(backfill, rows=rows, batch_size=2)
    for _ in killed_at_each(trial.open, lambda session: act(replace(trial.workspace, session=session))):
        steps += 1
        backfills = trial.world.rows("SELECT * FROM {db}.OPS.BACKFILLS")
        assert len(backfills) <= 1
        for begun in backfills:
            own = count(trial, "SERVING.SCORED", f"RUN_ID = '{begun['RUN_ID']}'")
            assert own == begun["ROWS_SCORED"] == min(2 * begun["BATCHES_DONE"], 5)
            listed = count(trial, "OPS.BACKFILL_KEYS")
            state = trial.world.value(f"SELECT STATE FROM {{db}}.OPS.RUNS WHERE RUN_ID = '{begun['RUN_ID']}'")
            finished = begun["FINISHED_AT"] is not None
            assert (listed, state) == ((0, "SUCCEEDED") if finished else (5, "RUNNING"))
    assert steps > 8
    (begun,) = trial.world.rows("SELECT * FROM {db}.OPS.BACKFILLS")
    assert begun["FINISHED_AT"] is not None
    assert count(trial, "SERVING.SCORED") == scored + 5
    reconcile(trial.workspace)


def half(trial: Trial, rows: Rows, run_id: str) -> None:
    """A backfill that was killed with one batch done, three hours ago."""
    with closing(trial.open()) as session:
        dying: Any = Dying(session, 14, sent=True, after="BEGIN")  # the COMMIT of the first batch
        with pytest.raises(KilledError):
            backfill(replace(trial.workspace, session=dying), rows=rows, batch_size=2, run_id=run_id)
    ago = "STARTED_AT = DATEADD('hour', -3, SYSDATE())"
    trial.world.rows(f"UPDATE {{db}}.OPS.BACKFILLS SET {ago} WHERE RUN_ID = '{run_id}'")
    assert trial.world.value(f"SELECT BATCHES_DONE FROM {{db}}.OPS.BACKFILLS WHERE RUN_ID = '{run_id}'") == 1


def test_a_backfill_does_not_go_on_with_another_champion(trial: Trial):
    rows = some_keys(trial)
    half(trial, rows, "first")
    go_on = partial(backfill, trial.workspace, rows=rows, batch_size=2, run_id="first")
    trial.promote("tight")
    loose, tight = (trial.verdicts[name].version_name for name in ("loose", "tight"))
    says = (
        rf"first, begun 3\.0 h ago and 1 of 3 .* scores with {loose}, not {tight}: name that version and run id first"
    )
    with pytest.raises(ScoringError, match=says):
        go_on()
    done: Backfill = go_on(version=loose)
    trial.promote("loose")
    assert (done.resumed_at, done.scored, done.model_version) == (1, 5, loose)
    assert done.age_seconds >= 3 * 3600
    assert go_on().resumed_at == 3  # a finished run is reported, whichever version is champion
    kinds = "SELECT COUNT(*), COUNT(DISTINCT ID), COUNT(DISTINCT MODEL_VERSION) FROM {db}.SERVING.SCORED"
    assert tuple(trial.world.rows(f"{kinds} WHERE RUN_ID = 'first'")[0]) == (5, 5, 1)


def test_a_backfill_of_the_same_request_is_new_once_the_last_one_is_finished(trial: Trial):
    rows = some_keys(trial)
    half(trial, rows, "stuck")
    ask = partial(backfill, trial.workspace, rows=rows, batch_size=2)
    trial.promote("tight")
    with pytest.raises(ScoringError, match="give another run id, which starts again"):
        ask()
    assert ask(run_id="again").resumed_at == 0
    again = ask()
    assert (again.resumed_at, again.age_seconds) == (0, 0)
    assert again.run_id not in ("stuck", "again")
    trial.promote("loose")
    reconcile(trial.workspace)
