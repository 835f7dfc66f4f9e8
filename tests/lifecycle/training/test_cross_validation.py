"""Cross-validation of candidates: what may be declared, and what the registry keeps of it."""

from pathlib import Path

import numpy as np
import pytest
from sklearn.linear_model import Ridge
from sklearn.model_selection import GroupKFold, KFold, TimeSeriesSplit, cross_val_score
from snowflake.snowpark import Session

from snowloop.lifecycle.evaluation.evaluate import evaluate
from snowloop.lifecycle.features.training_set import TrainingSet, build_training_set
from snowloop.lifecycle.training.train import Candidate, train_candidate, version_name
from snowloop.lifecycle.versions import versions
from snowloop.project import Project, ProjectError
from snowloop.workspace import Workspace
from tests.support.visits import visits, write_visits
from tests.support.world import World

HASH, SEED = "split: {by: hash, holdout: 0.25}", 7
SPLITS = {
    "hash": HASH,
    "group": "split: {by: group, column: PATIENT, holdout: 0.25}",
    "time": "split: {by: time, holdout: 0.25}",
    "order": "split: {by: order, order_by: ANSWER, holdout: 0.25}",
}
ORDERS = {"time": "V.SEEN_AT", "order": "V.ANSWER, V.VISIT_ID"}
FUSSY = '''"""A line, which some candidates need many rows for."""

from sklearn.linear_model import Ridge


class Fussy(Ridge):
    """Wants many rows."""

    def fit(self, rows, label):
        if len(rows) < 80:
            raise RuntimeError("too few rows")
        return super().fit(rows, label)


def build_model(alpha=1.0):
    """A line through the points."""
    return Fussy() if alpha == 666 else Ridge(alpha=alpha)
'''


def folding(folder: Path, split: str = "hash", folds: str = "5", *changes: tuple[str, str]) -> Project:
    declared = f"{SPLITS[split]}\ncross_validation: {folds}\nseed: {SEED}"
    return visits(folder, (HASH, declared), *changes)


# What may be declared


def test_folds_are_none_unless_declared(tmp_path: Path):
    assert visits(tmp_path).cross_validation is None
    assert folding(tmp_path).cross_validation == 5
    assert folding(tmp_path, folds="null").cross_validation is None


@pytest.mark.parametrize(
    ("folds", "says"),
    [
        ("1", "greater than or equal to 2"),
        ("21", "less than or equal to 20"),
        ("-3", "greater than or equal to 2"),
        ("many", "valid integer"),
        ("2.5", "valid integer"),
        ("true", "true is not a number"),
        ("{folds: 5}", "valid integer"),
        ("[5]", "valid integer"),
    ],
)
def test_folds_that_cannot_be_meant_are_one_error_with_its_place(tmp_path: Path, folds: str, says: str):
    with pytest.raises(ProjectError) as caught:
        folding(tmp_path, folds=folds)
    text = (tmp_path / "visits" / "project.yaml").read_text().splitlines()
    line = next(number for number, each in enumerate(text, 1) if each.startswith("cross_validation"))
    assert f"{tmp_path / 'visits' / 'project.yaml'}:{line}: " in str(caught.value)
    assert says in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


def test_a_version_is_of_its_folds_and_of_the_metric_that_they_measure(tmp_path: Path):
    made = TrainingSet("T", "f" * 16, 1, 0, 0, (), kept=True)

    def name(project: Project) -> str:
        return version_name(project, made, project.candidates[0])

    named = [name(folding(tmp_path, folds=folds)) for folds in ("null", "5", "5", "4")]
    assert named[1] == named[2]
    assert len(set(named)) == 3
    other = ("metric: {name: rmse", "metric: {name: mae")
    assert name(folding(tmp_path, "hash", "5", other)) != named[1]
    assert name(folding(tmp_path, "hash", "null", other)) == named[0]


# What the registry keeps


@pytest.fixture(scope="module")
def world(session: Session, tmp_path_factory: pytest.TempPathFactory) -> World:
    folder = tmp_path_factory.mktemp("folds")
    made = World(session, visits(folder / "projects"), "folds", write_visits(folder / "data"))
    made.prepare()
    return made


def trained(world: World, project: Project, name: str = "line") -> Candidate:
    given = Workspace(world.session, project, world.target)
    return train_candidate(given, build_training_set(given), name)


def by_hand(world: World, candidate: Candidate, split: str) -> np.ndarray:
    """The error on each fold of the training rows, by scikit-learn alone, of the rows as they were loaded."""
    rows = world.session.sql(
        "SELECT V.VISIT_ID, V.PATIENT, V.SEEN_AT, V.DOSE, V.ANSWER "
        f"FROM {candidate.training_set.table} AS T JOIN {world.database}.RAW.VISIT AS V ON V.VISIT_ID = T.VISIT_ID "
        f"WHERE NOT T.IS_HOLDOUT ORDER BY {ORDERS.get(split, 'V.VISIT_ID')}"
    ).to_pandas()
    kinds = {
        "hash": KFold(5, shuffle=True, random_state=SEED),
        "group": GroupKFold(5),
        "time": TimeSeriesSplit(5),
        "order": TimeSeriesSplit(5),
    }
    score = "neg_root_mean_squared_error"
    given = {"cv": kinds[split], "groups": rows["PATIENT"] if split == "group" else None, "scoring": score}
    return -cross_val_score(Ridge(), rows[["DOSE"]].astype(float), rows["ANSWER"].astype(float), **given)


@pytest.mark.parametrize("split", SPLITS)
def test_the_registry_has_the_mean_and_the_spread_over_folds_of_the_training_rows(
    world: World, tmp_path: Path, split: str
):
    project = folding(tmp_path, split)
    candidate = trained(world, project)
    assert candidate.error is None
    wanted = by_hand(world, candidate, split)
    assert len(set(wanted)) == 5
    (kept,) = (
        each
        for each in versions(Workspace(world.session, project, world.target))
        if each.name == candidate.version_name
    )
    assert kept.metrics["cv_rmse_mean"] == pytest.approx(wanted.mean(), rel=1e-9)
    assert kept.metrics["cv_rmse_std"] == pytest.approx(wanted.std(), rel=1e-9)
    assert kept.facts["cross_validation"] == 5
    assert candidate.summary()["cross-validation"] == f"{wanted.mean():.4f} ± {wanted.std():.4f}"


def test_the_same_folds_are_kept_and_the_model_is_that_without_folds(world: World, tmp_path: Path):
    folded, again = (trained(world, folding(tmp_path)) for _ in range(2))
    assert (again.kept, again.metrics) == (True, folded.metrics)
    plain = trained(world, folding(tmp_path, folds="null"))
    assert plain.version_name != folded.version_name
    assert plain.metrics == {name: value for name, value in folded.metrics.items() if not name.startswith("cv_")}
    assert "cross-validation" not in plain.summary()
    found = evaluate(Workspace(world.session, folding(tmp_path), world.target), folded)
    facts = {
        row["NAME"]: (row["VALUE"], row["ROWS_MEASURED"])
        for row in world.rows(f"SELECT * FROM {{db}}.OPS.EVALUATIONS WHERE EVALUATION_ID = '{found.evaluation_id}'")
    }
    for name, value in folded.cross_validation.items():
        assert facts[name] == (pytest.approx(value), folded.metrics["train_rows"])


def test_a_fold_that_fails_fails_its_candidate_alone(world: World, tmp_path: Path):
    project = folding(
        tmp_path, "hash", "5", ("  - {name: line}", "  - {name: line}\n  - {name: fussy, params: {alpha: 666}}")
    )
    (project.directory / "model.py").write_text(FUSSY)
    failed = trained(world, project, "fussy")
    assert failed.error == "ValueError: fold 1 of 5 of the cross-validation: RuntimeError: too few rows"
    assert failed.version_name not in [each.name for each in versions(Workspace(world.session, project, world.target))]
    assert trained(world, project).error is None


def test_another_order_of_the_rows_is_another_training_set(world: World, tmp_path: Path):
    """Folds follow the order within the training part, so the fingerprint stands for it."""
    given = Workspace(world.session, folding(tmp_path, "time"), world.target)
    before = build_training_set(given).fingerprint
    swap = "UPDATE {db}.RAW.VISIT SET SEEN_AT = DATEADD('day', CASE VISIT_ID WHEN 3 THEN %d ELSE -%d END, SEEN_AT)"
    try:
        world.rows(swap % (4, 4) + " WHERE VISIT_ID IN (3, 7)")
        assert build_training_set(given).fingerprint != before
    finally:
        world.rows(swap.replace("THEN %d ELSE -%d", "THEN -%d ELSE %d") % (4, 4) + " WHERE VISIT_ID IN (3, 7)")
    assert build_training_set(given).fingerprint == before
