"""What is computed of scores and labels, without a server: metrics, intervals, slices, calibration, baselines."""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from snowloop_procedures.checks import leakage
from snowloop_procedures.requests import (
    EvaluationRequest,
    Feature,
    LeakageRequest,
    ModelVersion,
    Plan,
    Slice,
    Tolerance,
)
from snowloop_procedures.statistics import details, metrics
from snowloop_procedures.statistics.baselines import baselines

PLAN = Plan(importance_rows=200)
FEATURES = (Feature("X", "FLOAT"), Feature("NOISE", "FLOAT"), Feature("COLOUR", "VARCHAR"))


def rows(count: int = 400, seed: int = 1) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    x = random.normal(size=count)
    label = (random.random(count) < 1 / (1 + np.exp(-2 * x))).astype(int)
    colour = np.where(label == 1, "red", "blue")
    return pd.DataFrame({"X": x, "NOISE": random.normal(size=count), "COLOUR": colour, "LABEL": label})


VERSION = ModelVersion("DB", "MODELS", "M", "V1")
REQUEST = EvaluationRequest(
    features=FEATURES[:2],
    label="LABEL",
    task="classification",
    seed=7,
    metric="roc_auc",
    higher_is_better=True,
    plan=PLAN,
    held_out="",
    training="",
    candidate_scores="",
    skew="",
    tolerance=Tolerance(1e-6, 1e-5),
    probing=None,
    version=VERSION,
)


def leakage_request(**changes: Any) -> LeakageRequest:
    """What is known of ``rows``, with changes."""
    known: dict[str, Any] = {
        "features": FEATURES,
        "label": "LABEL",
        "task": "classification",
        "seed": 7,
        "query": "",
        "repeats": "",
    }
    return LeakageRequest(**{**known, **changes})


def test_a_metric_that_the_rows_do_not_allow_is_missing():
    measured = metrics.measure("classification", np.zeros(5), np.full(5, 0.2))
    assert measured["support"] == 0
    assert "roc_auc" not in measured
    assert measured["brier"] == pytest.approx(0.04)
    assert metrics.measure("classification", np.array([]), np.array([])) == {"support": 0.0}
    assert "r2" not in metrics.measure("regression", np.array([1.0]), np.array([2.0]))


def test_a_missing_score_makes_every_metric_missing():
    label, score = np.array([0.0, 1.0, 1.0]), np.array([0.1, np.nan, 0.9])
    assert metrics.value("roc_auc", label, score) is None
    assert metrics.value("brier", label, score) is None


def test_error_metrics_are_those_of_the_formulas():
    label, score = np.array([0.0, 1.0, 1.0]), np.array([0.1, 0.7, 0.4])
    errors = score - label
    assert metrics.value("brier", label, score) == pytest.approx(np.mean(errors**2))
    assert metrics.value("rmse", 10 * label, 10 * score) == pytest.approx(10 * np.sqrt(np.mean(errors**2)))


def test_f1_and_accuracy_are_those_at_the_threshold():
    label, score = np.array([0, 0, 1, 1]), np.array([0.1, 0.3, 0.35, 0.8])
    assert metrics.measure("classification", label, score, 0.32)["accuracy"] == 1.0
    assert metrics.measure("classification", label, score, 0.5)["accuracy"] == 0.75
    assert details.confusion("classification", label, score, 0.5) == {
        "true_positive": 1,
        "false_positive": 0,
        "false_negative": 1,
        "true_negative": 2,
    }


def test_slices_are_values_ranges_and_the_rest():
    some = rows()
    some["SLICE_0"] = [f"v{number % 30}" if number % 7 else None for number in range(len(some))]
    some["SLICE_1"] = np.arange(len(some)) % 60
    declared = (Slice("KIND"), Slice("AGE", (20.0, 40.0)))
    label, score = some["LABEL"].to_numpy(float), some["X"].to_numpy()
    found = details.slices(replace(REQUEST, slices=declared), some, label, score)
    kinds = [each for each in found if each["column"] == "KIND"]
    assert len(kinds) == 21
    assert {"(null)", "(others)"} <= {each["part"] for each in kinds}
    assert sum(each["rows"] for each in kinds) == len(some)
    ages = {each["part"]: each["rows"] for each in found if each["column"] == "AGE"}
    assert ages == {"below 20": 140, "20 to 40": 140, "40 and more": 120}


def test_calibration_distinguishes_honest_scores_from_overconfident_ones():
    random = np.random.default_rng(1)
    score = random.random(5000)
    label = (random.random(5000) < score).astype(float)
    honest = details.calibration("classification", label, score)
    assert len(honest["bins"]) == 10
    assert sum(each["rows"] for each in honest["bins"]) == 5000
    assert honest["error"] < 0.03
    overconfident = details.calibration("classification", label, np.round(score))
    assert overconfident["error"] > 0.2


@pytest.mark.parametrize("way", [1, -1])
def test_rows_of_one_score_are_in_one_bin_in_whatever_order(way: int):
    """A third of the rows comes true and all scores say so; the rows that do come first, or last."""
    label = np.repeat([1.0, 0.0], [300, 600])[::way]
    found = details.calibration("classification", label, np.full(900, 1 / 3))
    assert (len(found["bins"]), found["error"]) == (1, pytest.approx(0))
    two = np.where(np.arange(900) % 3 == 0, 0.9, 0.1)
    found = details.calibration("classification", (two > 0.5).astype(float), two)
    assert [(each["rows"], each["score"]) for each in found["bins"]] == [
        (600, pytest.approx(0.1)),
        (300, pytest.approx(0.9)),
    ]
    assert found["error"] == pytest.approx(0.1)


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_the_calibration_error_by_chance_is_what_exact_scores_have(task: str):
    random, errors, chances = np.random.default_rng(2), [], []
    for _ in range(60):
        score = random.random(120)
        drawn = (random.random(120) < score).astype(float)
        label = drawn if task == "classification" else score + random.normal(size=120)
        found = details.calibration(task, label, score)
        errors.append(found["error"])
        chances.append(found["by_chance"])
    assert np.mean(chances) == pytest.approx(np.mean(errors), rel=0.15)
    assert np.mean(errors) > 0.05


def test_importance_names_the_feature_that_matters_first():
    from sklearn.linear_model import LogisticRegression

    some = rows()
    model = LogisticRegression().fit(some[["X", "NOISE"]], some["LABEL"])
    given = (REQUEST, model, some[["X", "NOISE"]], some["LABEL"].to_numpy(float))
    found = details.importance(*given)
    assert next(iter(found)) == "X"
    assert found["X"] > 0.2 > abs(found["NOISE"])
    assert details.importance(*given) == found


@pytest.mark.parametrize("features", [FEATURES[:2], FEATURES[2:], FEATURES])
def test_baselines_are_a_dummy_and_a_linear_model(features: tuple[Feature, ...]):
    train, test = rows(seed=1), rows(seed=2)
    train.loc[3, features[0].name] = None
    found = baselines(train, test, replace(REQUEST, features=features))
    assert set(found["dummy"]) == {train["LABEL"].mean()}
    assert metrics.value("roc_auc", test["LABEL"].to_numpy(), found["simple"]) > 0.75  # type: ignore[operator]


def test_a_training_part_of_one_class_has_a_dummy_alone():
    train = rows()
    train["LABEL"] = 0
    assert list(baselines(train, rows(), REQUEST)) == ["dummy"]
    assert baselines(train.head(0), rows(), REQUEST) == {}


class Answers:
    """A session that answers every query with one frame."""

    def __init__(self, frame: pd.DataFrame) -> None:
        self.frame = frame

    def sql(self, _: str) -> "Answers":
        return self

    def to_pandas(self) -> pd.DataFrame:
        return self.frame


def strengths(some: pd.DataFrame, asked: LeakageRequest) -> dict[str, float]:
    return {name: each.value for name, each in leakage.alone(some, asked).items() if each}


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_a_single_feature_that_knows_the_label_is_found_however_it_does(task: str):
    """Neither direction nor order matters: here the label is 1 inside a band of the feature's values."""
    some = rows(2000)
    some["IS_HOLDOUT"] = np.arange(2000) % 4 == 0
    some["LABEL"] = (np.abs(some["NOISE"]) < 0.7).astype(float)
    asked = leakage_request(task=task)
    values = strengths(some, asked)
    assert values["NOISE"] > 0.95
    assert values["X"] < (0.6 if task == "classification" else 0.1)


def test_a_text_that_knows_the_label_is_found_and_names_are_not():
    some = rows(2000)
    some["IS_HOLDOUT"] = np.arange(2000) % 4 == 0
    some["NAME"] = [f"name {number}" for number in range(2000)]
    asked = leakage_request(features=(*FEATURES, Feature("NAME", "VARCHAR")))
    values = strengths(some, asked)
    assert values["COLOUR"] == 1.0
    assert values["NAME"] < 0.6
    some["LABEL"] = 0
    found = leakage.measure(Answers(some.assign(SNOWLOOP_CELL="")), asked)  # type: ignore[arg-type]
    assert set(found["values"].values()) == {None}
    assert found["training"] == {"rows": 1500, "labels": 1, "rarest": 1500}
    assert found["held_out"] == {"rows": 500, "labels": 1, "rarest": 500}
