"""A key that comes again: each of its rows, one for a time, is a row of its own wherever rows are counted or joined."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from snowflake.snowpark import Session

from local_snowflake.testing import LocalSnowflake
from snowloop.errors import TrainingError
from snowloop.lifecycle.debugging.explain import explain_row
from snowloop.lifecycle.debugging.population import score_population
from snowloop.lifecycle.features.training_set import build_training_set
from snowloop.lifecycle.monitoring import performance as measuring
from snowloop.lifecycle.scoring import reconcile
from snowloop.lifecycle.scoring.reprocess.backfill import Rows, backfill
from snowloop.lifecycle.scoring.reprocess.recover import recover_loop
from snowloop.lifecycle.scoring.reprocess.requeue import requeue
from snowloop.lifecycle.training.train import train_candidate
from snowloop.lifecycle.versions import Version
from snowloop.project import Performance
from snowloop.project.contract import OnTraining
from snowloop_procedures.scoring import score_new_rows
from tests.support.copies import Copies, canary
from tests.support.dying import killed_at_each
from tests.support.tiny import COLUMNS, Event, insertion, tiny
from tests.support.world import World

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

JANUARY, FEBRUARY, MARCH, APRIL = (f"2026-0{month}-01 00:00:00" for month in (1, 2, 3, 4))
CHAMPION = Version("GOOD", ("CHAMPION",), {"roc_auc": 0.9}, {"training_set": "copies"}, default=True)


@pytest.fixture(scope="module")
def world(session: Session, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Copies]:
    """A loop that scores each row of a key; nothing has arrived."""
    made = Copies(session, tmp_path_factory.mktemp("again"), "again", ["GOOD", "OTHER"], every_row=True)
    made.promote("GOOD")
    yield made
    made.rows("DROP DATABASE {db}")


def row(key: int | None, at: str, tag: int, x: float = 1.0, kind: str = "A") -> Event:
    return Event(key, x, 2.0, kind, at, tag)


def follow(world: Copies, *events: Event) -> tuple[int, ...]:
    """Insert rows and run the loop: how many were read, scored and quarantined; nothing is lost or there twice."""
    if events:
        world.rows(insertion(list(events)))
    done = json.loads(score_new_rows(world.session, world.request))
    reconcile(world.workspace)
    return tuple(done[name] for name in ("read", "scored", "quarantined"))


def served(world: Copies, key: int, table: str = "SCORED") -> list[tuple[str, float]]:
    """Time and feature X of each score of a key."""
    query = f"SELECT HAPPENED_AT, FEATURES:X::FLOAT FROM {{db}}.SERVING.{table} WHERE ID = {key} ORDER BY 1, 2"
    return [(str(at), x) for at, x in world.rows(query)]


def reasons(world: Copies, key: int) -> list[str]:
    found = world.rows(f"SELECT REASON FROM {{db}}.SERVING.QUARANTINE WHERE ID = {key} ORDER BY TAG")
    return [each for (each,) in found]


def test_a_row_of_next_month_is_scored_and_the_newest_of_a_key_is_shown(world: Copies):
    assert follow(world, row(1, FEBRUARY, 1, 2.0), row(1, MARCH, 2, 3.0)) == (2, 2, 0)
    assert follow(world, row(1, JANUARY, 3, 1.0)) == (1, 1, 0), "a late row is a row too"
    history = [(JANUARY, 1.0), (FEBRUARY, 2.0), (MARCH, 3.0)]
    assert served(world, 1) == served(world, 1, "LATEST_SCORES") == history
    assert served(world, 1, "LATEST_SCORES_BY_KEY") == history[2:]


def test_the_same_time_again_is_a_duplicate_that_is_kept_with_its_reason(world: Copies):
    assert follow(world, row(2, JANUARY, 11), row(2, JANUARY, 12), row(2, FEBRUARY, 13)) == (3, 2, 1)
    same_file = [row(2, JANUARY, 14), row(2, FEBRUARY, 15)]
    assert follow(world, *same_file, row(2, MARCH, 16)) == (3, 1, 2)
    assert [at for at, _ in served(world, 2)] == [JANUARY, FEBRUARY, MARCH]
    before = "duplicate key: a row with it was scored before"
    assert reasons(world, 2) == ["duplicate key: another row of the same batch has it", before, before]


def test_a_row_without_its_time_is_kept_and_not_scored(world: Copies):
    world.rows("INSERT INTO {db}.RAW.EVENTS SELECT 3, 1, 2, 'A', NULL, 21, NULL")
    assert follow(world) == (1, 0, 1)
    assert reasons(world, 3) == ["HAPPENED_AT must not be null"]


def test_each_row_is_counted_once_in_the_bins_of_its_run(world: Copies):
    world.rows(
        "INSERT INTO {db}.OPS.BASELINES (TRAINING_SET, COLUMN_NAME, KIND, BIN, POSITION, LOWER, UPPER) "
        "SELECT 'copies', 'X', 'number', COLUMN1, COLUMN2, COLUMN3, COLUMN4 "
        "FROM VALUES ('BELOW', 0, NULL, 0), ('B01', 1, 0, 10), ('ABOVE', 2, 10, NULL)"
    )
    assert follow(world, row(4, JANUARY, 31, 4.0), row(4, FEBRUARY, 32, 5.0), row(4, MARCH, 33, 6.0)) == (3, 3, 0)
    counted = world.rows("SELECT SUM(N), SUM(TOTAL) FROM {db}.OPS.DRIFT_COUNTS WHERE COLUMN_NAME = 'X'")
    assert [tuple(each) for each in counted] == [(3, 15.0)]


def test_a_run_killed_at_any_statement_scores_each_row_once(world: Copies, local_snowflake: LocalSnowflake):
    assert follow(world, row(5, JANUARY, 41)) == (1, 1, 0)
    world.rows(insertion([row(5, FEBRUARY, 42), row(5, MARCH, 43), row(5, JANUARY, 44)]))
    connection, request = local_snowflake.connection(), world.request

    def written() -> tuple[int, int]:
        return len(served(world, 5)), len(reasons(world, 5))

    kills = killed_at_each(
        lambda: Session.builder.configs(connection).create(), lambda session: score_new_rows(session, request)
    )
    assert {*[written() for _ in kills], written()} == {(1, 0), (3, 1)}
    follow(world)


def test_a_repaired_row_is_scored_again_and_its_neighbours_are_not(world: Copies):
    events = [row(6, JANUARY, 51), row(6, FEBRUARY, 52, kind="Z"), row(6, MARCH, 53)]
    assert follow(world, *events) == (3, 2, 1)
    world.rows("UPDATE {db}.SERVING.QUARANTINE SET KIND = 'B' WHERE TAG = 52")
    assert (requeue(world.workspace).requeued, requeue(world.workspace).requeued) == (1, 0)
    assert [at for at, _ in served(world, 6)] == [JANUARY, FEBRUARY, MARCH]
    reconcile(world.workspace)


def test_a_backfill_scores_each_row_of_a_key_or_those_of_a_period(world: Copies):
    assert follow(world, *(row(7, at, 60 + n) for n, at in enumerate([JANUARY, FEBRUARY, MARCH]))) == (3, 3, 0)
    world.judge("OTHER")
    done = backfill(world.workspace, version="OTHER", rows=Rows(first_key=7, last_key=7), batch_size=2)
    assert (done.scored, done.batches) == (3, 2)
    done = backfill(world.workspace, rows=Rows(start=FEBRUARY, end=MARCH, first_key=7, last_key=7))
    assert done.scored == 1
    assert [at for at, _ in served(world, 7)] == [JANUARY] * 2 + [FEBRUARY] * 3 + [MARCH] * 2
    newest = "SELECT MODEL_VERSION FROM {db}.SERVING.%s WHERE ID = 7 ORDER BY HAPPENED_AT"
    assert [name for (name,) in world.rows(newest % "LATEST_SCORES")] == ["OTHER", "GOOD", "OTHER"]
    assert [name for (name,) in world.rows(newest % "LATEST_SCORES_BY_KEY")] == ["OTHER"]
    reconcile(world.workspace)


def test_a_recovery_scores_the_rows_that_were_missed_of_a_key_with_scores(world: Copies):
    assert follow(world, row(8, JANUARY, 71), row(8, FEBRUARY, 72)) == (2, 2, 0)
    world.rows("DROP STREAM {db}.RAW.EVENTS_STREAM")
    world.rows(insertion([row(8, MARCH, 73), row(8, FEBRUARY, 74), row(8, "2026-04-01 00:00:00", 75, kind="Z")]))
    done = recover_loop(world.workspace)
    assert (done.rows, done.scored, done.quarantined) == (3, 1, 2)
    assert [at for at, _ in served(world, 8)] == [JANUARY, FEBRUARY, MARCH]
    assert reasons(world, 8) == ["duplicate key: a row with it was scored before", "KIND must be one of A, B, it is Z"]
    reconcile(world.workspace)


def test_a_key_is_explained_newest_first_and_one_row_by_its_time(world: Copies):
    assert follow(world, row(9, FEBRUARY, 81, 2.0), row(9, JANUARY, 82, 1.0)) == (2, 2, 0)
    every = explain_row(world.workspace, {"ID": "9"})
    assert [str(each.event_time) for each in every.scores] == [FEBRUARY, JANUARY]
    assert [each.features for each in every.scores] == [{"X": x, "Y": 2, "X_OF_A": x} for x in (2, 1)]
    assert [each.values["X"] for each in every.source_rows] == [2, 1]
    assert f"score of {FEBRUARY} " in every.text()
    one = explain_row(world.workspace, {"ID": "9", "happened_at": "2026-01-01"})
    assert [str(each.event_time) for each in one.scores] == [JANUARY]
    assert one.key == {"ID": "9", "HAPPENED_AT": "2026-01-01"}


def test_a_population_and_a_challenger_score_each_row(world: Copies, tmp_path: Path):
    assert follow(world, row(10, JANUARY, 91), row(10, FEBRUARY, 92)) == (2, 2, 0)
    assert score_population(world.workspace, "ID = 10", to=tmp_path / "rows.csv").scored == 2
    declared = world.project
    world.declare(**canary(declared, share=0.5))
    served_by = world.request.challenger
    assert served_by is not None
    assert "MD5('challenger' || '|' || \"ID\"::VARCHAR)" in served_by.score.text, "a key stays on its side"
    world.declare(serving=declared.serving)


def test_a_label_belongs_to_the_row_of_its_time(world: Copies, monkeypatch: pytest.MonkeyPatch):
    events = [row(20 + n, at, 100 + 3 * n + m) for n in range(40) for m, at in enumerate([JANUARY, FEBRUARY, MARCH])]
    follow(world, *events)
    world.rows("UPDATE {db}.RAW.EVENTS SET LATE = MOD(ID, 2) WHERE ID >= 20 AND MONTH(HAPPENED_AT) < 3")
    world.rows("UPDATE {db}.RAW.EVENTS SET LATE = 1 WHERE ID >= 20 AND MONTH(HAPPENED_AT) = 2")
    contract = world.project.contract.model_copy(
        update={"training": OnTraining(on_failure="quarantine", max_failing_share=0.5)}
    )
    tolerant = world.project.model_copy(update={"contract": contract})
    training_set = build_training_set(replace(world.workspace, project=tolerant))
    assert training_set.rows == 80
    sides = world.rows(
        f"SELECT COUNT(*), SUM(LATE), COUNT(DISTINCT IS_HOLDOUT) FROM {training_set.table} GROUP BY ID ORDER BY ID"
    )
    assert [tuple(map(int, each)) for each in sides] == [(2, 1 + n % 2, 1) for n in range(40)]
    world.rows(
        "CREATE TABLE {db}.FEATURES.TRAINING_SET_COPIES AS SELECT ID, HAPPENED_AT, FALSE AS IS_HOLDOUT "
        "FROM {db}.RAW.EVENTS WHERE ID = 20 AND MONTH(HAPPENED_AT) = 1"
    )
    monkeypatch.setattr(measuring, "versions", lambda _workspace: [CHAMPION])
    declared = Performance(history="3000 days")
    monitoring = world.project.monitoring.model_copy(update={"performance": declared})
    measuring.performance(
        replace(world.workspace, project=world.project.model_copy(update={"monitoring": monitoring})), CHAMPION, []
    )
    labelled = world.rows(
        "SELECT MONTH(WINDOW_START + INTERVAL '6 days') AS M, SUM(LABELLED) FROM {db}.OPS.PERFORMANCE "
        "WHERE SLICE IS NULL GROUP BY M ORDER BY M"
    )
    assert [int(n) for _, n in labelled if n] == [39, 40], "January without the row that trained, February"


@pytest.mark.parametrize("name", ["features.sql", "label.sql"])
def test_features_and_labels_must_name_the_time_of_their_row(world: Copies, tmp_path: Path, name: str):
    project = tiny(tmp_path / "lacking", every_row=True)
    file = project.directory / name
    file.write_text(file.read_text().replace("HAPPENED_AT, ", ""))
    with pytest.raises(TrainingError, match=f"{name}: the key column HAPPENED_AT is missing"):
        build_training_set(replace(world.workspace, project=project))


def test_corrections_are_of_the_row_of_their_time(session: Session, tmp_path: Path):
    """An update that moves the time takes one row away and adds another."""
    made = Copies(session, tmp_path, "again_corrected", ["GOOD"], every_row=True, corrections=True)
    made.promote("GOOD")
    assert follow(made, row(1, JANUARY, 1, 1.0), row(1, FEBRUARY, 2, 2.0), row(2, MARCH, 3, 5.0)) == (3, 3, 0)
    made.rows("UPDATE {db}.RAW.EVENTS SET X = 9 WHERE TAG = 2")
    assert follow(made, row(1, MARCH, 4, 3.0)) == (2, 2, 0)
    assert served(made, 1, "LATEST_SCORES") == [(JANUARY, 1.0), (FEBRUARY, 9.0), (MARCH, 3.0)]
    made.rows(f"UPDATE {{db}}.RAW.EVENTS SET HAPPENED_AT = '{APRIL}' WHERE TAG = 1")
    made.rows("DELETE FROM {db}.RAW.EVENTS WHERE TAG = 4")
    assert follow(made, row(1, FEBRUARY, 5, 7.0)) == (2, 1, 1)
    assert reasons(made, 1) == ["duplicate key: the source has another row with it"]
    assert served(made, 1, "LATEST_SCORES") == [(FEBRUARY, 9.0), (APRIL, 1.0)]
    assert served(made, 1, "LATEST_SCORES_BY_KEY") == [(APRIL, 1.0)]
    made.rows("DROP STREAM {db}.RAW.EVENTS_STREAM")
    made.rows("DELETE FROM {db}.RAW.EVENTS WHERE TAG = 1")
    made.rows(insertion([row(1, "2026-05-01 00:00:00", 6, 8.0)]))
    assert recover_loop(made.workspace).scored == 1
    assert served(made, 1, "LATEST_SCORES_BY_KEY") == [("2026-05-01 00:00:00", 8.0)]
    assert served(made, 2, "LATEST_SCORES_BY_KEY") == [(MARCH, 5.0)]
    reconcile(made.workspace)
    made.rows("DROP DATABASE {db}")


def test_from_a_file_of_months_to_the_scores_of_the_next_ones(session: Session, tmp_path: Path):
    """Training, gate, deployment, and files of which one comes twice."""
    project = tiny(tmp_path / "projects", every_row=True)
    made = World(session, project, "again_whole", tmp_path / "data")
    made.folder.mkdir()
    months(made, "events_0000.csv", range(1, 101), (JANUARY, FEBRUARY, MARCH), labels=True)
    made.promote_any(train_candidate(made.workspace, made.prepare(), "loose"))
    procedure = made.deploy().procedure
    made.rows("ALTER TASK {db}.SERVING.SCORE_NEW_ROWS SUSPEND")
    months(made, "events_0001.csv", range(1, 6), (APRIL,))
    months(made, "events_0002.csv", range(1, 6), (MARCH, APRIL))
    made.load(part="arrivals")
    done = json.loads(made.value(f"CALL {procedure}()"))
    assert [done[name] for name in ("read", "scored", "quarantined")] == [15, 5, 10]
    reconcile(made.workspace)
    found = made.rows("SELECT REASON, COUNT(*) FROM {db}.SERVING.QUARANTINE GROUP BY REASON ORDER BY REASON")
    assert [tuple(each) for each in found] == [
        ("duplicate key: another row of the same batch has it", 5),
        ("duplicate key: the source had it before scoring began", 5),
    ]
    assert len(made.rows("SELECT * FROM {db}.SERVING.LATEST_SCORES_BY_KEY")) == 5
    made.rows("DROP DATABASE {db}")


def months(made: World, name: str, keys: range, times: tuple[str, ...], *, labels: bool = False) -> None:
    """A file with a row of each key for each of some times."""
    lines = [",".join(COLUMNS)]
    for tag, (key, at) in enumerate((key, at) for key in keys for at in times):
        x = key * 37 % 101 / 10
        lines.append(
            f"{key},{x},{tag % 7},{'AB'[tag % 2]},{at},{tag},{int(x + tag * 31 % 8 * 2 > 13) if labels else ''}"
        )
    (made.folder / name).write_text("\n".join(lines) + "\n")
