"""Scores of two trainings with one seed: what rounding makes of them passes, and what is another model does not."""

from typing import Any

import numpy as np
import pytest

from snowloop.lifecycle.monitoring.rehearse import REPRODUCED
from snowloop_procedures.statistics.metrics import repeated

ROWS, TREES = 2000, 300


def sums(dtype: Any, scale: float, *, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Scores of an ensemble, the parts summed in two orders; some of them are near zero, where the parts are not."""
    chance = np.random.default_rng(seed)
    parts = (scale * chance.standard_normal((ROWS, TREES))).astype(dtype)
    parts[:, -1] -= parts.sum(axis=1) * chance.integers(0, 2, ROWS)
    one, other = np.zeros(ROWS, dtype), np.zeros(ROWS, dtype)
    for place in range(TREES):
        one += parts[:, place]
        other += parts[:, -1 - place]
    return one, other


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e9])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_what_is_summed_in_another_order_is_the_same(dtype: Any, scale: float):
    one, other = sums(dtype, scale)
    assert (one != other).any()
    difference, allowed = repeated(one.astype(float), other.astype(float), REPRODUCED)
    assert 0 < difference <= allowed


@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e9])
def test_another_model_is_not_the_same(scale: float):
    expected, _ = sums(np.float64, scale)
    actual = expected.copy()
    actual[7] += 1e-3 * np.abs(expected).max()
    difference, allowed = repeated(actual, expected, REPRODUCED)
    assert difference > allowed


@pytest.mark.parametrize("wrong", [np.nan, np.inf])
@pytest.mark.parametrize("classes", [1, 3])
def test_a_score_that_is_none_is_never_the_same(wrong: float, classes: int):
    expected = np.full((50, classes), 1 / 3)
    for one, other in (([wrong], []), ([], [wrong])):
        actual, wanted = expected.copy(), expected.copy()
        actual[3, : len(one)], wanted[3, : len(other)] = one, other
        difference, allowed = repeated(actual, wanted, REPRODUCED)
        assert not difference <= allowed
