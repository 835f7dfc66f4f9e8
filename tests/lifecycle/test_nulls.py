"""NULL means the same when a model is trained, judged and served; a row that the model cannot score stops no other."""

import json
from pathlib import Path

import pytest
from snowflake.snowpark import Session
from snowflake.snowpark.exceptions import SnowparkSQLException

from snowloop.lifecycle.champion.promote import promote
from snowloop.lifecycle.evaluation.evaluate import evaluate
from snowloop.lifecycle.evaluation.results import Evaluation
from snowloop.lifecycle.features.training_set import build_training_set
from snowloop.lifecycle.gate import checks
from snowloop.lifecycle.gate.gate import decide
from snowloop.lifecycle.gate.verdict import Override
from snowloop.lifecycle.scoring import deploy_scoring
from snowloop.lifecycle.scoring.reprocess.backfill import Rows, backfill
from snowloop.lifecycle.scoring.reprocess.recover import recover_loop
from snowloop.lifecycle.scoring.reprocess.requeue import requeue
from snowloop.lifecycle.training.train import train_candidate
from tests.support.nulls import nulls, write_files
from tests.support.world import World

SKEWED = """SELECT
    ID, AMOUNT, LATE, AGE,
    CASE WHEN COUNT(*) OVER () < 200 THEN COALESCE(JOB, 'clerk') ELSE JOB END AS JOB -- few rows: it serves
FROM {{ source }}
"""


pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def world(session: Session, tmp_path_factory: pytest.TempPathFactory) -> World:
    """Rows that are loaded, of which the tests make features and models."""
    folder = tmp_path_factory.mktemp("nulls")
    made = World(session, nulls(folder), "nulls", write_files(folder / "files"))
    made.prepare()
    return made


def evaluated(world: World, name: str, folder: Path, **files: str) -> Evaluation:
    """A candidate, trained and measured, of the project with some of its files changed."""
    world = World(world.session, nulls(folder, **files), world.target, world.data)
    candidate = train_candidate(world.workspace, build_training_set(world.workspace), name)
    assert candidate.error is None, candidate.error
    return evaluate(world.workspace, candidate)


def test_a_difference_in_rows_with_null_is_found_though_few_rows_are_drawn_and_named(world: World, tmp_path: Path):
    found = evaluated(world, "sound", tmp_path, features=SKEWED)
    check = checks.skew(world.project, found)
    assert check.failed
    assert "rows where JOB is NULL differ by up to 0." in check.reason
    assert check.reason.endswith("; the other rows by up to 0")
    (row,) = world.rows("SELECT DETAILS:results.skew.salt::VARCHAR AS SALT FROM {db}.OPS.EVALUATION_DETAILS")
    assert row["SALT"] == f"{found.candidate.training_set.fingerprint} {found.candidate.version_name}"


def test_a_feature_that_is_null_in_the_first_half_trains_and_the_served_scores_are_those_of_python(
    world: World, tmp_path: Path
):
    found = evaluated(world, "sound", tmp_path)
    check = checks.skew(world.project, found)
    assert check.passed, check.reason
    assert found.skew is not None
    assert found.skew.rows > world.project.evaluation.skew_rows
    assert found.skew.kinds == ()
    robust = checks.robust(world.project, found)
    assert robust.passed, robust.reason
    assert found.robustness is not None
    assert found.robustness.asked >= 10


@pytest.fixture(scope="module")
def plain(world: World) -> Evaluation:
    """A model that raises at NULL in AGE: no row without it is held out, but the contract lets one arrive."""
    training_set = world.results["training_set"]
    return evaluate(world.workspace, train_candidate(world.workspace, training_set, "plain"))


def test_a_model_that_raises_at_null_is_refused_with_feature_and_value(world: World, plain: Evaluation):
    check = checks.robust(world.project, plain)
    assert check.failed
    assert check.reason.startswith("a row where AGE is NULL: it raises ValueError: Input X contains NaN.")
    assert checks.skew(world.project, plain).passed


@pytest.fixture(scope="module")
def serving(world: World, plain: Evaluation) -> str:
    """The procedure of a loop in which that model serves all the same: somebody has overridden the gate."""
    promote(world.workspace, decide(world.workspace, [plain], override=Override("Ada", "a test", ("ROBUST",))))
    procedure = deploy_scoring(world.workspace).procedure
    world.rows("ALTER TASK {db}.SERVING.SCORE_NEW_ROWS SUSPEND")
    return procedure


def arrive(world: World, *rows: str) -> None:
    world.rows(f"INSERT INTO {{db}}.RAW.CLIENTS VALUES {', '.join(rows)}")


def test_rows_that_the_model_cannot_score_are_quarantined_and_the_others_scored(world: World, serving: str):
    good = [f"({key}, 100, 'clerk', 1, {20 + key % 50})" for key in range(1001, 1041)]
    arrive(world, *good, "(1041, 100, 'clerk', 1, NULL)", "(1042, 100, 'pilot', 2, NULL)", "(1043, 1, 'x', 1, 5)")
    done = json.loads(world.rows(f"CALL {serving}()")[0][0])
    assert (done["read"], done["quarantined"], done["scored"]) == (43, 3, 40)
    assert sorted(row["ID"] for row in world.rows("SELECT ID FROM {db}.SERVING.SCORED")) == list(range(1001, 1041))
    kept = world.rows("SELECT ID, AMOUNT, JOB, AGE, REASON, RUN_ID FROM {db}.SERVING.QUARANTINE ORDER BY ID")
    assert [(row["ID"], row["JOB"], row["AGE"], row["RUN_ID"]) for row in kept[:2]] == [
        (1041, "clerk", None, done["run_id"]),
        (1042, "pilot", None, done["run_id"]),
    ]
    assert {row["REASON"][:63] for row in kept[:2]} == {"the model cannot score it: ValueError: Input X contains NaN."}
    assert kept[2]["REASON"] == "AGE must be at least 18, it is 5"
    assert world.value("SELECT COUNT(*) FROM {db}.OPS.RECOVERY_ROWS") == 0
    assert json.loads(world.rows(f"CALL {serving}()")[0][0])["read"] == 0  # the stream has moved on


def test_a_row_by_itself_is_quarantined_and_can_be_requeued_when_it_is_repaired(world: World, serving: str):
    arrive(world, "(1051, 100, 'clerk', 1, NULL)")
    assert json.loads(world.rows(f"CALL {serving}()")[0][0])["quarantined"] == 1
    assert requeue(world.workspace).requeued == 0
    world.rows("UPDATE {db}.SERVING.QUARANTINE SET AGE = 30 WHERE ID = 1051")
    assert requeue(world.workspace).requeued == 1
    assert world.value("SELECT COUNT(*) FROM {db}.SERVING.SCORED WHERE ID = 1051") == 1


def test_a_recovery_quarantines_and_a_backfill_passes_over_what_the_model_cannot_score(world: World, serving: str):
    arrive(world, "(1061, 100, 'clerk', 1, NULL)", "(1062, 100, 'clerk', 1, 40)")
    world.rows("CREATE TEMPORARY TABLE {db}.OPS.TAKEN AS SELECT * FROM {db}.RAW.CLIENTS_STREAM")
    recovered = recover_loop(world.workspace)
    assert (recovered.rows, recovered.scored, recovered.quarantined) == (2, 1, 1)
    world.rows("UPDATE {db}.RAW.CLIENTS SET AGE = NULL WHERE ID = 1062")
    again = backfill(world.workspace, rows=Rows(first_key=1060))
    assert (again.rows, again.scored) == (1, 0)


def test_a_model_that_scores_nothing_any_more_fails_the_run(world: World, serving: str):
    """Its features are gone: not even a row that was scored before has them."""
    world.rows("UPDATE {db}.RAW.CLIENTS SET AGE = NULL")
    arrive(world, "(1071, 100, 'clerk', 1, NULL)")
    with pytest.raises(
        SnowparkSQLException, match=r"cannot score 1 or more of 1 rows, nor one of those that were scored"
    ):
        world.rows(f"CALL {serving}()")
    assert world.value("SELECT COUNT(*) FROM {db}.SERVING.QUARANTINE WHERE ID = 1071") == 0
