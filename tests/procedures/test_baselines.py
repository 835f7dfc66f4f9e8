"""What a model must beat: no constant is better than the constant baseline, and the linear model sees texts too."""

from dataclasses import replace
from typing import Literal

import numpy as np
import pandas as pd
import pytest

from snowloop_procedures.requests import Feature
from snowloop_procedures.statistics import metrics
from snowloop_procedures.statistics.baselines import baselines, constant
from tests.lifecycle.evaluation.test_evaluation import REQUEST


@pytest.mark.parametrize("share", [0.02, 0.3, 0.8])
@pytest.mark.parametrize("metric", ["f1", "accuracy", "brier", "log_loss", "roc_auc", "average_precision"])
def test_no_constant_of_two_classes_is_better(metric: str, share: float):
    label = (np.arange(1000) < 1000 * share).astype(float)
    best = constant(metric, "classification", label)
    values = {each: metrics.value(metric, label, np.full(1000, each)) or 0.0 for each in (0.0, 1.0, share, 0.1, best)}
    highest = metric not in ("brier", "log_loss")
    wanted = max(values.values()) if highest else min(values.values())
    assert values[best] == pytest.approx(wanted, abs=1e-4)  # the share of a log loss is smoothed


@pytest.mark.parametrize("metric", ["accuracy", "balanced_accuracy", "f1_macro", "log_loss", "roc_auc_ovr"])
def test_no_constant_of_several_classes_is_better(metric: str):
    label = np.repeat([0, 1, 2], [600, 300, 100])
    best = constant(metric, "multiclass", label, 3)
    others = [*np.eye(3) * 0.98 + 0.01 * (1 - np.eye(3)), np.full(3, 1 / 3)]
    values = [metrics.value(metric, label, np.tile(each, (1000, 1))) for each in (best, *others)]
    assert None not in values
    wanted = min(values) if metric == "log_loss" else max(values)  # type: ignore[type-var]
    assert values[0] == pytest.approx(wanted, abs=1e-4)


@pytest.mark.parametrize(("metric", "expected"), [("mae", 1.0), ("rmse", 4.5), ("r2", 4.5)])
def test_of_a_regression_it_is_the_median_for_mae_and_the_mean_for_squares(metric: str, expected: float):
    assert constant(metric, "regression", np.array([0.0, 1.0, 1.0, 16.0])) == expected


def test_a_class_without_a_row_in_training_does_not_cost_infinitely_much():
    shares = constant("log_loss", "multiclass", np.array([0, 0, 1]), 3)
    assert shares == pytest.approx([3 / 6, 2 / 6, 1 / 6])
    score = np.tile(shares, (3, 1))
    assert metrics.value("log_loss", np.array([0, 1, 2]), score) == pytest.approx(np.log([2, 3, 6]).mean())


def test_a_strong_text_beside_one_number_of_noise_is_used():
    random = np.random.default_rng(3)

    def rows() -> pd.DataFrame:
        text = random.choice(["A", "B", "C", "D"], size=600)
        label = (random.random(600) < pd.Series(text).map({"A": 0.1, "B": 0.3, "C": 0.7, "D": 0.9})).astype(int)
        return pd.DataFrame({"NOISE": random.normal(size=600), "GRADE": text, "LABEL": label})

    test = rows()
    features = (Feature("NOISE", "FLOAT"), Feature("GRADE", "VARCHAR"))
    found = baselines(rows(), test, replace(REQUEST, features=features))
    assert (metrics.value("roc_auc", test["LABEL"].to_numpy(), found["simple"]) or 0.0) > 0.8


@pytest.mark.parametrize("large", [np.inf, -np.inf, 1e300])
@pytest.mark.parametrize("task", ["classification", "regression"])
def test_the_linear_model_takes_numbers_that_a_tree_takes(task: Literal["classification", "regression"], large: float):
    random = np.random.default_rng(4)

    def rows() -> pd.DataFrame:
        x = random.normal(size=400)
        frame = pd.DataFrame({"X": x, "LABEL": (x > 0) * 1.0})
        frame.loc[:3, "X"] = large
        return frame

    test = rows()
    request = replace(
        REQUEST, features=(Feature("X", "FLOAT"),), task=task, metric="mae" if task == "regression" else "roc_auc"
    )
    found = baselines(rows(), test, request)["simple"]
    assert np.isfinite(found).all()
    assert (metrics.value("roc_auc", test["LABEL"].to_numpy(), found) or 0.0) > 0.9
