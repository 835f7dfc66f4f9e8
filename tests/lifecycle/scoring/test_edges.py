"""The scoring loop at its edges: nothing to read, runs that last, and what is moved, renamed or dropped under them."""

import itertools
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from typing import Any

import pytest
from snowflake.snowpark import Session

from local_snowflake.testing import LocalSnowflake
from snowloop.errors import PlanRefused, ScoringError
from snowloop.lifecycle.scoring import await_scores, reconcile
from snowloop.lifecycle.scoring.health import stream_health
from snowloop.lifecycle.scoring.status import loop_status
from tests.support.strikes import LOCK, READ, Scorer, phases
from tests.support.tiny import insertion
from tests.support.trial import Trial

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

ROOT_RUNS = (
    "SELECT STATE, QUERY_START_TIME, COMPLETED_TIME FROM TABLE({db}.INFORMATION_SCHEMA.TASK_HISTORY(RESULT_LIMIT => "
    "1000)) WHERE DATABASE_NAME = '{db}' AND NAME = 'SCORE_NEW_ROWS' AND QUERY_START_TIME IS NOT NULL "
    "ORDER BY QUERY_START_TIME"
)


@pytest.fixture(scope="module")
def trial(local_snowflake: LocalSnowflake, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trial]:
    made = Trial(tmp_path_factory.mktemp("edges"), 1, local_snowflake, "edges")
    made.prepare()
    yield made
    made.world.session.close()


def until(holds: Callable[[], Any], what: str) -> Any:
    deadline = time.monotonic() + 120
    while not (value := holds()):
        assert time.monotonic() < deadline, f"{what} did not come"
        time.sleep(0.1)
    return value


@contextmanager
def held(trial: Trial) -> Iterator[Session]:
    """While another transaction has read the stream, a scoring call waits for it, in the middle of its run."""
    other = trial.open()
    other.sql("BEGIN").collect()
    other.sql(f"SELECT COUNT(*) FROM {trial.world.database}.RAW.EVENTS_STREAM").collect()
    try:
        yield other
    finally:
        other.sql("ROLLBACK").collect()
        other.close()


def a_call_waits(trial: Trial, phase: str = READ) -> None:
    until(lambda: phases(trial.world.session, trial.world.database)[phase], "a waiting call")


def settle(trial: Trial) -> int:
    """Let the loop end its work, see that each row is at one place, and return how many rows are scored."""
    await_scores(trial.workspace, timeout=120)
    counts = reconcile(trial.workspace)
    assert counts.pending == 0
    return counts.scored


def stuck(trial: Trial, reason: str) -> None:
    """The loop fails with the reason: in its runs and to who waits; it writes nothing, and the rows stay."""
    before = trial.world.value("SELECT COUNT(*) FROM {db}.SERVING.SCORED")
    trial.insert(trial.events(3))
    with pytest.raises(ScoringError, match=reason):
        await_scores(trial.workspace, timeout=120)
    (last, *_) = loop_status(trial.workspace).runs
    assert (last["STATE"], last["ROWS_SCORED"], last["ROWS_QUARANTINED"]) == ("FAILED", 0, 0)
    assert trial.world.value("SELECT COUNT(*) FROM {db}.SERVING.SCORED") == before
    assert trial.world.value("SELECT COUNT(*) FROM {db}.RAW.EVENTS_STREAM") == 3


def test_a_run_whose_rows_another_has_taken_is_a_run_of_no_rows(trial: Trial):
    """SYSTEM$STREAM_HAS_DATA was true when it began; there is nothing to score when it reads."""
    before = len(trial.world.rows("SELECT * FROM {db}.OPS.RUNS"))
    with held(trial):
        trial.insert(trial.events(3))
        a_call_waits(trial)
        second = Scorer(trial.open(), f"CALL {trial.world.results['deployment'].procedure}()")
        second.start()
        a_call_waits(trial, LOCK)
        assert trial.world.value("SELECT SYSTEM$STREAM_HAS_DATA('{db}.RAW.EVENTS_STREAM')") is True
    second.join()
    assert second.error is None
    settle(trial)
    runs = trial.world.rows("SELECT STATE, ROWS_READ, ROWS_SCORED FROM {db}.OPS.RUNS ORDER BY FINISHED_AT")[before:]
    assert sorted(tuple(run) for run in runs) == [("SUCCEEDED", 0, 0), ("SUCCEEDED", 3, 3)]
    assert stream_health(trial.workspace).findings == ()


def test_a_call_waits_for_the_turn_of_another_and_sees_what_that_one_wrote(trial: Trial):
    """Without any lock of the stream: the other has scored a row under the key of one that waits."""
    settle(trial)
    trial.world.rows("ALTER TASK {db}.SERVING.SCORE_NEW_ROWS SUSPEND")
    first, second = trial.events(2)
    other = trial.open()
    other.sql(f"USE DATABASE {trial.world.database}").collect()
    other.sql("BEGIN").collect()
    other.sql("UPDATE OPS.REPAIR_LOCK SET HOLDER = 'another'").collect()
    trial.insert([first])
    call = Scorer(trial.open(), f"CALL {trial.world.results['deployment'].procedure}()")
    call.start()
    a_call_waits(trial, LOCK)
    trial.insert([second])  # after the waiting call's transaction began, before its turn
    other.sql(f"INSERT INTO SERVING.SCORED (ID, RUN_ID) SELECT {first.key}, 'another'").collect()
    other.sql("COMMIT").collect()
    other.close()
    call.join()
    assert call.error is None
    assert trial.world.value("SELECT COUNT(*) FROM {db}.RAW.EVENTS_STREAM") == 0
    reason = f"SELECT REASON FROM {{db}}.SERVING.QUARANTINE WHERE TAG = {first.tag}"
    assert trial.world.value(reason) == "duplicate key: a row with it was scored before"
    assert trial.world.value(f"SELECT COUNT(*) FROM {{db}}.SERVING.SCORED WHERE ID = {second.key}") == 1
    trial.world.rows(f"DELETE FROM {{db}}.SERVING.SCORED WHERE ID = {first.key}")
    trial.deploy()
    settle(trial)


def test_an_empty_stream_is_a_run_of_no_rows(trial: Trial):
    trial.world.rows(f"CALL {trial.world.results['deployment'].procedure}()")
    (last, *_) = loop_status(trial.workspace).runs
    assert (last["STATE"], last["ROWS_READ"], last["ERROR"]) == ("SUCCEEDED", 0, None)


def test_a_champion_that_is_moved_in_the_middle_of_a_run_takes_over_with_the_next(trial: Trial):
    trial.promote("loose")
    with held(trial):
        first = trial.events(4)
        trial.insert(first)
        a_call_waits(trial)
        trial.promote("tight")
        second = trial.events(2)
        trial.insert(second)
    settle(trial)
    versions = {name: trial.verdicts[name].version_name for name in ("loose", "tight")}
    rows = trial.world.rows("SELECT ID, RUN_ID, MODEL_VERSION FROM {db}.SERVING.SCORED")
    scored_by = {row["ID"]: (row["RUN_ID"], row["MODEL_VERSION"]) for row in rows}
    for events, name in ((first, "loose"), (second, "tight")):
        assert {scored_by[event.key][1] for event in events} == {versions[name]}
        assert len({scored_by[event.key][0] for event in events}) == 1
    trial.promote("loose")


def test_a_run_that_outlasts_its_schedule_is_not_overlapped(trial: Trial):
    trial.deploy(schedule="10 SECONDS")
    begun = len(trial.world.rows(ROOT_RUNS))
    before = settle(trial)
    trial.insert(trial.events(5))
    with held(trial):
        a_call_waits(trial)
        first = trial.world.rows(ROOT_RUNS)[begun:]
        trial.insert(trial.events(5))
        time.sleep(12)  # a time that is due passes
        assert trial.world.rows(ROOT_RUNS)[begun:] == first
    until(lambda: not trial.world.value("SELECT SYSTEM$STREAM_HAS_DATA('{db}.RAW.EVENTS_STREAM')"), "the next run")
    trial.deploy(schedule=None)
    assert settle(trial) == before + 10
    runs = trial.world.rows(ROOT_RUNS)[begun:]
    assert len(runs) >= 2
    assert all(one["COMPLETED_TIME"] <= other["QUERY_START_TIME"] for one, other in pairwise(runs))


@contextmanager
def inflow(trial: Trial) -> Iterator[list[int]]:
    """While new rows arrive all the time: how many statements came through so far."""
    session, stop, sent = trial.open(), threading.Event(), [0]
    batches = [trial.events(1) for _ in range(2000)]

    def arrive() -> None:
        while not stop.wait(0.2):
            session.sql(insertion(batches[sent[0]]).replace("{db}", trial.world.database)).collect()
            sent[0] += 1

    thread = threading.Thread(target=arrive, daemon=True)
    thread.start()
    try:
        yield sent
    finally:
        stop.set()
        thread.join(60)
        session.close()
        for event in itertools.chain.from_iterable(batches[sent[0] :]):
            del trial.sent[event.tag]


def test_a_wait_ends_though_rows_never_stop_arriving(trial: Trial):
    before = settle(trial)
    with inflow(trial) as sent:
        until(lambda: sent[0] > 3, "the first rows")
        mine = trial.events(5)
        trial.insert(mine)
        await_scores(trial.workspace, timeout=120)
        scored = {row["ID"] for row in trial.world.rows("SELECT ID FROM {db}.SERVING.SCORED")}
        assert {event.key for event in mine} <= scored
        until(lambda: trial.world.value("SELECT SYSTEM$STREAM_HAS_DATA('{db}.RAW.EVENTS_STREAM')"), "more rows")
    assert settle(trial) == before + 5 + sent[0]


def test_a_renamed_column_fails_the_run_and_loses_nothing(trial: Trial):
    before = settle(trial)
    trial.world.rows("ALTER TABLE {db}.RAW.EVENTS RENAME COLUMN Y TO WHY")
    stuck(trial, r"invalid identifier 'S\.Y'")
    assert any("invalid identifier 'S.Y'" in finding for finding in stream_health(trial.workspace).findings)
    with pytest.raises(PlanRefused, match="are missing: Y"):
        trial.deploy()
    trial.world.rows("ALTER TABLE {db}.RAW.EVENTS RENAME COLUMN WHY TO Y")
    trial.deploy()
    assert settle(trial) == before + 3


def test_a_model_that_is_dropped_under_the_loop_stops_it_until_one_is_promoted(trial: Trial):
    before = settle(trial)
    trial.world.rows("DROP MODEL {db}.MODELS.TINY")
    stuck(trial, "TINY")
    assert any("has no champion" in finding for finding in stream_health(trial.workspace).findings)
    status = loop_status(trial.workspace)
    assert (status.healthy, status.champion) == (False, None)
    with pytest.raises(PlanRefused, match="no champion"):
        trial.deploy()
    trial.train(trial.world.results["training_set"], "tight")
    trial.promote("tight")
    trial.deploy()
    assert settle(trial) == before + 3
    assert loop_status(trial.workspace).healthy
    assert stream_health(trial.workspace).findings == ()
