"""Simulated retrains, judged by the gate's own functions: many small steps down do not add up."""

import numpy as np
import pytest
from scipy.stats import norm

from snowloop_procedures.statistics.intervals import difference
from tests.lifecycle.gate.creep import ERROR, RETRAINS, project, year

SEEDS = range(20)


def test_a_year_of_retrains_that_are_each_a_little_worse_does_not_creep():
    given = project()
    assert min(year(given, seed, 0.008)[0] for seed in SEEDS) >= 0.78
    assert max(year(given, seed, 0.008, fixed=False)[0] for seed in SEEDS) < 0.70  # of the champion alone


def test_retrains_of_equal_quality_pass():
    assert sum(year(project(), seed, 0.0)[1] for seed in SEEDS) >= 0.98 * RETRAINS * len(SEEDS)


def test_the_simulated_error_is_that_of_drawn_rows():
    """Two models of ROC AUC 0.80 on 20,000 rows, nine tenths of whose noise is common."""
    random = np.random.default_rng(1)
    label = (random.random(20_000) < 0.3).astype(float)
    signal, common = np.sqrt(2) * norm.ppf(0.8) * label, np.sqrt(0.9) * random.normal(size=len(label))
    first, second = (signal + common + np.sqrt(0.1) * random.normal(size=len(label)) for _ in range(2))
    found = difference("roc_auc", label, first, second, (0.5, 0.95), higher_is_better=True)
    assert found
    assert (found["high"] - found["low"]) / 2 / 1.96 == pytest.approx(ERROR, rel=0.1)
