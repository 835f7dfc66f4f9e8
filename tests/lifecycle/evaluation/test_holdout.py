"""Held-out rows that trained an older version do not judge it; whole groups are resampled."""

from pathlib import Path

import numpy as np
import pytest
from snowflake.snowpark import Session

from snowloop.lifecycle.evaluation.evaluate import evaluate
from snowloop.lifecycle.evaluation.results import Evaluation
from snowloop.lifecycle.features.training_set import build_training_set
from snowloop.lifecycle.gate.gate import judge
from snowloop.lifecycle.training.train import Candidate, train_candidate
from snowloop.lifecycle.versions import champion
from snowloop.project import Project
from snowloop.workspace import Workspace
from snowloop_procedures.statistics.intervals import Dependence, interval
from tests.support.visits import visits, write_visits
from tests.support.world import World

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
LOOSE = ("at_most: 100", "at_most: 100, tolerance: 1")
HASH = "split: {by: hash, holdout: 0.25}"
HALF = (HASH, "split: {by: hash, holdout: 0.5}")
GROUP = (HASH, "split: {by: group, column: PATIENT, holdout: 0.4}")


@pytest.fixture(scope="module")
def world(session: Session, tmp_path_factory: pytest.TempPathFactory) -> World:
    """A champion that was trained when a quarter of the rows was held out."""
    folder = tmp_path_factory.mktemp("unseen")
    made = World(session, visits(folder / "projects", LOOSE), "unseen", write_visits(folder / "data", rows=400))
    made.promote_first()
    made.results["half"] = visits(folder / "half", LOOSE, HALF)
    return made


def evaluated(world: World, project: Project) -> Evaluation:
    """A fresh candidate of a project that has a champion."""
    given = Workspace(world.session, project, world.target)
    return evaluate(given, train_candidate(given, build_training_set(given), "line"))


def reason(project: Project, found: Evaluation, name: str) -> tuple[bool, str]:
    (check,) = (each for each in judge(project, [found], found) if each.name == name)
    return check.passed, check.reason


def test_rows_that_trained_the_champion_do_not_judge_it(world: World):
    """Half of the rows are held out now: half of these trained the champion, and it is measured on the others."""
    project, old = world.results["half"], world.results["training_set"]
    found = evaluated(world, project)
    held_out = found.candidate.training_set.holdout_rows
    assert (found.rows, found.held_out.left_out) == (held_out, 0)
    assert found.champion_held_out.left_out == held_out - old.holdout_rows > 50
    present = champion(Workspace(world.session, project, world.target))
    assert present
    assert found.champion_metrics["rmse"] == pytest.approx(present.metrics["rmse"])
    assert found.metrics_on_champion_rows["support"] == old.holdout_rows
    gain = found.champion_metrics["rmse"] - found.metrics_on_champion_rows["rmse"]
    assert found.differences["champion"].value == pytest.approx(gain)
    words = reason(project, found, "NOT_WORSE_THAN_CHAMPION")[1]
    assert f"rmse is {found.metrics_on_champion_rows['rmse']:.4f}, champion {present.name}" in words
    assert f"on the same rows, without {found.champion_held_out.left_out} rows that trained it" in words
    recorded = f"FROM {{db}}.OPS.EVALUATIONS WHERE EVALUATION_ID = '{found.evaluation_id}'"
    rows = world.rows(f"SELECT NAME, ROWS_MEASURED {recorded}")
    measured_on = {row["NAME"]: row["ROWS_MEASURED"] for row in rows}
    assert (measured_on["rmse"], measured_on["champion rmse"], measured_on["better than champion"]) == (
        held_out,
        old.holdout_rows,
        old.holdout_rows,
    )


def test_too_few_rows_that_the_champion_has_not_seen_are_refused(world: World):
    project = world.results["half"]
    found = evaluated(world, project)
    wanted = found.candidate.training_set.holdout_rows
    strict = project.model_copy(update={"metric": project.metric.model_copy(update={"min_support": wanted})})
    assert reason(strict, found, "SUPPORT")[0]
    passed, words = reason(strict, found, "NOT_WORSE_THAN_CHAMPION")
    assert not passed
    assert f"was trained on {found.champion_held_out.left_out} of the held-out rows; without them" in words


def test_an_older_version_is_judged_on_rows_that_it_has_not_seen(world: World):
    project, old = world.results["half"], world.results["training_set"]
    given = Workspace(world.session, project, world.target)
    itself = champion(given)
    assert itself
    found = evaluate(given, Candidate("line", itself.name, build_training_set(given), itself.metrics, metric="rmse"))
    assert (found.rows, found.metrics["support"]) == (old.holdout_rows, old.holdout_rows)
    assert found.metrics["rmse"] == pytest.approx(itself.metrics["rmse"])
    passed, words = reason(project, found, "SUPPORT")
    assert passed
    assert words.endswith(f"; {found.held_out.left_out} held-out rows that it was trained on are left out")


def test_without_its_training_set_nobody_knows_what_a_version_has_seen(world: World):
    project, old = world.results["half"], world.results["training_set"]
    given = Workspace(world.session, project, world.target)
    itself = champion(given)
    assert itself
    world.rows(f"ALTER TABLE {old.table} RENAME TO {{db}}.FEATURES.ELSEWHERE")
    try:
        found = evaluated(world, project)
        own = Candidate("line", itself.name, found.candidate.training_set, itself.metrics, metric="rmse")
        older = evaluate(given, own)
    finally:
        world.rows(f"ALTER TABLE {{db}}.FEATURES.ELSEWHERE RENAME TO {old.table}")
    for each, name in ((found, "NOT_WORSE_THAN_CHAMPION"), (older, "SUPPORT")):
        passed, words = reason(project, each, name)
        assert not passed
        assert f"TRAINING_SET_{old.fingerprint.upper()}, on which version {itself.name} was trained, is gone" in words
    assert found.champion_metrics == {}


def test_intervals_are_of_whole_groups(world: World, tmp_path: Path):
    project = visits(tmp_path, LOOSE, GROUP)
    found = evaluated(world, project)
    version = f"MODEL({{db}}.MODELS.VISITS, {found.candidate.version_name})"
    rows = world.rows(
        f"SELECT RESPONSE, SNOWLOOP_GROUP, {version}!PREDICT(DOSE):output_feature_0::FLOAT AS SCORE "
        f"FROM {found.candidate.training_set.table} WHERE IS_HOLDOUT ORDER BY VISIT_ID"
    )
    label, group, score = (np.array([row[place] for row in rows]) for place in range(3))
    given = ("rmse", label.astype(float), score.astype(float), 0.5, project.evaluation.confidence)
    whole, single = interval(*given, Dependence(groups=group)), interval(*given)
    assert found.interval
    assert [found.interval.low, found.interval.high] == pytest.approx([whole["low"], whole["high"]])  # type: ignore[index]
    assert found.interval.low != pytest.approx(single["low"])  # type: ignore[index]


def test_rows_that_arrived_since_a_version_was_trained_are_a_second_hold_out(session: Session, tmp_path: Path):
    """Both sides of the present split, but none of the rows that the version was trained or judged on."""
    world = World(session, visits(tmp_path / "projects", LOOSE), "newer", write_visits(tmp_path / "data", rows=400))
    world.promote_first()
    given, old = world.workspace, world.results["training_set"]
    assert world.results["evaluations"][0].newer is None, "it was trained on the present rows"
    world.rows(
        "INSERT INTO {db}.RAW.VISIT SELECT VISIT_ID + 100000, PATIENT, SEEN_AT, DOSE + 0.05, "
        "ANSWER + MOD(VISIT_ID, 5), ANSWERED_AT FROM {db}.RAW.VISIT WHERE VISIT_ID < 120"
    )
    now = build_training_set(given)
    arrived = now.rows - old.rows
    assert arrived > 50
    itself = champion(given)
    assert itself
    found = evaluate(given, Candidate("line", itself.name, now, itself.metrics, metric="rmse"))
    assert found.newer
    assert (found.newer.rows, found.newer.support) == (arrived, arrived)
    assert found.newer.champion is None, "it is the champion itself"
    score = f"MODEL({{db}}.MODELS.VISITS, {itself.name})!PREDICT(T.DOSE):output_feature_0::FLOAT"
    rows = world.rows(f"SELECT T.RESPONSE, {score} AS SCORE FROM {now.table} AS T WHERE T.VISIT_ID >= 100000")
    assert len(rows) == arrived
    errors = np.array([float(row["RESPONSE"]) - float(row["SCORE"]) for row in rows])
    assert found.newer.value == pytest.approx(np.sqrt(np.mean(errors**2)))
    assert reason(world.project, found, "NEWER_ROWS")[0]
    fresh = evaluated(world, world.project)
    assert fresh.newer is None
    recorded = world.rows("SELECT ROWS_MEASURED FROM {db}.OPS.EVALUATIONS WHERE NAME = 'newer rows rmse'")
    assert [row["ROWS_MEASURED"] for row in recorded] == [arrived]
