"""Metrics that are estimated without labels: right for calibrated scores, and blind to a change of concept."""

import numpy as np
import pytest

from snowloop_procedures.statistics import estimates
from snowloop_procedures.statistics import metrics as measures

ROWS = 40_000
BINARY = ("roc_auc", "average_precision", "f1", "accuracy", "log_loss", "brier")
SEVERAL = ("accuracy", "balanced_accuracy", "f1_macro", "log_loss", "roc_auc_ovr")


def binary(a: float = 1.0, b: float = 2.0) -> tuple[np.ndarray, np.ndarray]:
    """Labels that are true as often as their scores say."""
    rng = np.random.default_rng(3)
    score = rng.beta(a, b, ROWS)
    return (rng.random(ROWS) < score).astype(int), score


def several() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(5)
    score = rng.dirichlet((1, 2, 0.5), ROWS)
    return (rng.random((ROWS, 1)) > score.cumsum(axis=1)).sum(axis=1), score


@pytest.mark.parametrize("metric", BINARY)
@pytest.mark.parametrize("shape", [(1.0, 2.0), (6.0, 3.0)])
def test_the_estimate_is_what_calibrated_scores_come_to_also_of_other_rows(metric: str, shape: tuple[float, float]):
    label, score = binary(*shape)
    assert estimates.expected(metric, score) == pytest.approx(measures.value(metric, label, score), abs=0.015)


@pytest.mark.parametrize("metric", SEVERAL)
def test_several_classes_are_estimated_by_all_their_probabilities(metric: str):
    label, score = several()
    assert estimates.expected(metric, score) == pytest.approx(measures.value(metric, label, score), abs=0.015)


def test_the_area_is_that_of_all_pairs_of_rows():
    _, score = binary()
    few = score[:60]
    weight = few[:, None] * (1 - few[None, :])
    above = (few[:, None] > few[None, :]) + 0.5 * (few[:, None] == few[None, :])
    assert estimates.expected("roc_auc", few) == pytest.approx((weight * above).sum() / weight.sum())


def test_another_concept_is_invisible_to_it():
    label, score = binary()
    flipped = measures.value("roc_auc", 1 - label, score)
    estimate = estimates.expected("roc_auc", score)
    assert flipped is not None
    assert estimate is not None
    assert flipped < 0.5
    assert estimate > 0.7


@pytest.mark.parametrize(
    ("metric", "score"),
    [
        ("roc_auc", []),
        ("roc_auc", [0.2, np.nan]),
        ("roc_auc", [0.2, 1.2]),
        ("roc_auc", [1.0, 1.0]),
        ("rmse", [0.2, 0.7]),
    ],
)
def test_what_cannot_be_estimated_is_none(metric: str, score: list[float]):
    assert estimates.expected(metric, np.array(score)) is None
