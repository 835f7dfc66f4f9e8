"""Three classes, by name or by number, all the way to scored rows on a running local Snowflake."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from snowflake.ml.registry import Registry
from snowflake.snowpark import Session

from snowloop.errors import GateRefused, ScoringError, TrainingError
from snowloop.lifecycle.champion.challenger import challenge
from snowloop.lifecycle.champion.compare import compare_versions
from snowloop.lifecycle.champion.promote import promote
from snowloop.lifecycle.evaluation.evaluate import evaluate
from snowloop.lifecycle.evaluation.results import Evaluation
from snowloop.lifecycle.features.training_set import build_training_set
from snowloop.lifecycle.gate.checks import CHECKS
from snowloop.lifecycle.gate.gate import decide
from snowloop.lifecycle.scoring import deploy_scoring, reconcile
from snowloop.lifecycle.scoring.plan import plan_scoring
from snowloop.lifecycle.scoring.reprocess.backfill import backfill
from snowloop.lifecycle.scoring.reprocess.requeue import requeue
from snowloop.lifecycle.training.train import train_candidate
from snowloop.lifecycle.versions import champion
from snowloop.project import Candidate, Project
from snowloop.sql import render_project
from snowloop.workspace import Workspace
from tests.support.duel import declare
from tests.support.wine import wine_project, wines, write_wines
from tests.support.world import World

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
BY_NAME = ["barbera", "barolo", "grignolino"]


def served(session: Session, folder: Path, *, texts: bool) -> World:
    """A champion that serves and has scored the 58 later wines; one of them was in quarantine."""
    frame = wines(texts=texts)
    frame.loc[170, "BOTTLED_ON"] = None
    project = wine_project(folder, texts=texts)
    made = World(session, project, "names" if texts else "numbers", write_wines(folder / "files", frame))
    training_set = made.prepare()
    promote(Workspace(session, project, made.target), made.judge(training_set, "linear"))
    made.deploy()
    made.results["arrived"] = made.arrive("1")
    return made


@pytest.fixture(scope="module")
def names(session: Session, tmp_path_factory: pytest.TempPathFactory) -> World:
    return served(session, tmp_path_factory.mktemp("names"), texts=True)


@pytest.fixture(scope="module")
def numbers(session: Session, tmp_path_factory: pytest.TempPathFactory) -> World:
    return served(session, tmp_path_factory.mktemp("numbers"), texts=False)


@pytest.fixture(params=["names", "numbers"])
def world(request: pytest.FixtureRequest) -> World:
    found: World = request.getfixturevalue(request.param)
    return found


def kept(world: World, version: str = "CHAMPION") -> Any:
    registry = Registry(world.session, database_name=world.database, schema_name="MODELS")
    return registry.get_model("WINE").version(version)


def fresh(world: World, table: str, version: str) -> tuple[list[Any], np.ndarray]:
    """The rows of a table of scores, and the scores by a version now."""
    features = render_project(world.project, "features.sql", source=f"{world.database}.RAW.WINE")
    query = (
        f"SELECT F.*, S.PREDICTION, S.SCORE, S.PROBABILITIES::VARCHAR AS PROBABILITIES FROM ({features}) AS F "
        f"JOIN {world.database}.SERVING.{table} AS S ON S.WINE_ID = F.WINE_ID ORDER BY F.WINE_ID"
    )
    frame = world.session.sql(query).to_pandas()
    inputs = [feature.name for feature in world.results["training_set"].features]
    predicted = kept(world, version).load(force=True).predict_proba(frame[inputs].astype(float))
    return frame[["PREDICTION", "SCORE", "PROBABILITIES"]].to_dict("records"), predicted


def check(world: World, table: str, rows: int, version: str = "CHAMPION") -> None:
    """Each row has the likeliest class, its probability, and those of all classes by name, as the version predicts."""
    found, predicted = fresh(world, table, version)
    classes = [str(each) for each in world.project.label.classes]
    assert len(found) == rows
    for row, expected in zip(found, predicted, strict=True):
        probabilities = json.loads(row["PROBABILITIES"])
        assert [probabilities[name] for name in classes] == pytest.approx(list(expected), abs=1e-9)
        assert row["PREDICTION"] == classes[int(np.argmax(expected))]
        assert row["SCORE"] == pytest.approx(float(expected.max()), abs=1e-9)
    assert {row["PREDICTION"] for row in found} == set(classes)


def test_each_score_is_a_fresh_prediction_of_the_version(world: World):
    assert (world.results["arrived"].scored, world.results["arrived"].quarantined) == (57, 1)
    check(world, "LATEST_SCORES", 57)
    assert reconcile(world.workspace).pending == 0


def test_each_run_is_summed_up_with_the_share_of_every_class(world: World):
    (row,) = world.rows("SELECT CLASS_SHARES::VARCHAR AS SHARES, NOT_FINITE, ROWS_SCORED FROM {db}.OPS.METRICS")
    shares = {
        each["PREDICTION"]: each["N"] / row["ROWS_SCORED"]
        for each in world.rows("SELECT PREDICTION, COUNT(*) AS N FROM {db}.SERVING.SCORED GROUP BY PREDICTION")
    }
    assert json.loads(row["SHARES"]) == pytest.approx(shares, abs=1e-6)
    assert len(shares) == 3
    assert (row["NOT_FINITE"], row["ROWS_SCORED"]) == (0, 57)


def test_readers_filter_by_class_and_by_its_probability(names: World):
    likely = "SELECT COUNT(*) FROM {db}.SERVING.LATEST_SCORES WHERE PREDICTION = 'barolo' AND SCORE > 0.5"
    path = "SELECT COUNT(*) FROM {db}.SERVING.LATEST_SCORES WHERE PROBABILITIES:barolo::FLOAT > 0.5"
    assert names.value(likely) == names.value(path) > 5
    assert not names.rows("SELECT 1 FROM {db}.SERVING.SCORED WHERE FEATURES:ALCOHOL IS NULL OR EVENT_TIME IS NULL")


def test_the_version_records_its_classes_and_predicts_them(world: World):
    version = champion(world.workspace)
    assert version is not None
    assert version.classes == world.project.label.classes == ((1, 2, 3) if "numbers" in world.target else (*BY_NAME,))
    rows = wines(texts=True).drop(columns=["WINE_ID", "BOTTLED_ON", "CULTIVAR"]).astype(float)
    predicted = kept(world).run(rows, function_name="predict")
    assert set(predicted["output_feature_0"]) == set(version.classes)


def test_every_check_of_the_gate_is_answered_and_the_evaluation_is_kept(world: World):
    (evaluation,) = world.results["evaluations"]
    verdicts = world.rows("SELECT CHECK_NAME, PASSED, REASON FROM {db}.OPS.VERDICTS")
    assert {row["CHECK_NAME"] for row in verdicts} == {"TRAINED", *CHECKS}
    assert all(row["PASSED"] is not False and row["REASON"] for row in verdicts)
    assert sum(each.rows for each in evaluation.classes) == world.results["training_set"].holdout_rows
    for each in evaluation.classes:
        assert sum(each.predicted.values()) == each.rows
        recorded = world.rows(f"SELECT NAME FROM {{db}}.OPS.EVALUATIONS WHERE SLICE LIKE 'class {each.name}%'")
        assert [row["NAME"] for row in recorded].count("confusion") == len(each.predicted)
    assert evaluation.skew.max_difference == pytest.approx(0, abs=1e-9)
    assert 0.5 < evaluation.interval.low <= evaluation.metrics["roc_auc_ovr"] <= evaluation.interval.high
    assert len(evaluation.slices) == 2
    assert evaluation.importance
    assert Evaluation.from_dict(evaluation.to_dict()) == evaluation
    own = evaluation.candidate.metrics
    assert {name: pytest.approx(own[name]) for name in evaluation.metrics} == evaluation.metrics


def test_a_redeployment_without_a_change_sends_nothing(world: World):
    assert plan_scoring(world.workspace).steps == ()


def test_another_candidate_is_compared_with_the_champion_on_the_same_rows(names: World):
    """Shares of the classes alone: no better than the dummy, and surely worse than the champion."""
    blind = names.project.model_copy(update={"candidates": (Candidate(name="blind", params={"kind": "blind"}),)})
    evaluation = evaluate(
        Workspace(names.session, blind, names.target),
        train_candidate(Workspace(names.session, blind, names.target), names.results["training_set"], "blind"),
    )  # fmt: skip
    assert evaluation.champion_metrics["roc_auc_ovr"] > 0.9
    assert evaluation.differences["champion"].high < -0.2
    with pytest.raises(GateRefused, match=r"the best constant baseline has 0\.5000") as caught:
        decide(Workspace(names.session, blind, names.target), [evaluation])
    assert "on the same rows: better by -0." in str(caught.value)


def test_a_mended_row_and_a_backfill_carry_their_classes(names: World):
    names.rows("UPDATE {db}.SERVING.QUARANTINE SET BOTTLED_ON = '2024-05-02'")
    assert requeue(names.workspace).requeued == 1
    done = backfill(names.workspace, batch_size=100)
    assert (done.rows, done.batches) == (178, 2)
    check(names, "LATEST_SCORES", 178)


def test_a_challenger_in_the_shadow_predicts_the_classes_and_is_compared(names: World):
    """The forest scores twelve wines together with the champion: each row of the shadow is the forest's prediction."""
    project = declare(names.project, mode="shadow")
    asked = Workspace(names.session, project, names.target)
    forest = train_candidate(asked, names.results["training_set"], "forest")
    challenge(asked, version=forest.version_name, reason="trees may be better")
    procedure = deploy_scoring(asked).procedure
    names.rows("ALTER TASK {db}.SERVING.SCORE_NEW_ROWS SUSPEND")
    columns = ", ".join(name for name in wines(texts=True).columns if name != "WINE_ID")
    new = f"SELECT WINE_ID + 1000, {columns} FROM {{db}}.RAW.WINE WHERE WINE_ID <= 12"
    names.rows(f"INSERT INTO {{db}}.RAW.WINE (WINE_ID, {columns}) {new}")
    assert json.loads(names.value(f"CALL {procedure}()"))["scored"] == 12
    check(names, "SHADOW", 12, version=forest.version_name)
    found = compare_versions(asked)
    assert found.agreement is not None
    assert found.agreement > 0.7


def with_label(world: World, expression: str) -> Project:
    """The project with another label.sql; the data is as it is."""
    file = world.project.directory / "label.sql"
    file.write_text(f"SELECT WINE_ID, {expression} AS CULTIVAR FROM {{{{ raw }}}}.WINE WHERE CULTIVAR IS NOT NULL\n")
    return world.project


@pytest.mark.parametrize(
    ("expression", "says"),
    [
        ("IFF(WINE_ID % 2 = 0, 'nebbiolo', CULTIVAR)", r"of barbera, barolo, grignolino, it is nebbiolo in \d+ rows"),
        ("NULL::VARCHAR", "is empty"),
    ],
)  # fmt: skip
def test_labels_that_are_no_declared_class_are_named(names: World, expression: str, says: str):
    with pytest.raises(TrainingError, match=says):
        build_training_set(Workspace(names.session, with_label(names, expression), names.target))


@pytest.mark.parametrize(
    ("expression", "says"),
    [
        ("1", "all .* training rows have label 1: there are no two classes"),
        ("CASE WHEN CULTIVAR = 3 THEN 1 ELSE CULTIVAR END", r"no training row is of class 3 \(there are: 1 .*, 2 "),
        (
            "CASE WHEN CULTIVAR = 3 AND WINE_ID > 20 THEN 1 ELSE CULTIVAR END",
            r"held-out rows of the rarest class, 5 are needed to trust the metric \(too few: 3 ",
        ),
    ],
)
def test_classes_of_no_or_few_rows_are_refused_in_words(numbers: World, expression: str, says: str):
    training_set = build_training_set(Workspace(numbers.session, with_label(numbers, expression), numbers.target))
    with pytest.raises(GateRefused, match=says):
        numbers.judge(training_set, "linear")


def test_a_champion_of_other_classes_is_not_deployed_nor_scored_with(numbers: World):
    other = numbers.project.label.model_copy(update={"classes": (1, 2)})
    project = numbers.project.model_copy(update={"label": other})
    (refused,) = (
        each
        for each in plan_scoring(Workspace(numbers.session, project, numbers.target)).changes
        if each.action == "refuse"
    )
    assert "predicts the classes [1, 2, 3], declared are [1, 2]" in refused.reason
    with pytest.raises(ScoringError, match=r"predicts the classes \[1, 2, 3\], declared are \[1, 2\]"):
        backfill(Workspace(numbers.session, project, numbers.target))
