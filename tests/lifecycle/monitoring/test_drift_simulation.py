"""How often drift is found where there is none, and how soon where there is: what docs/drift.md states."""

from math import sqrt

import numpy as np
import pytest

from tests.lifecycle.monitoring.drift_simulation import CHANGES, FALSE_ALARMS, SIZES, Bins, delays, psi, quiet

pytestmark = pytest.mark.slow
WINDOWS = 200


@pytest.mark.parametrize("rows", SIZES)
@pytest.mark.parametrize("trained", [1000, 10_000])
def test_windows_without_drift_are_reported_as_often_as_stated(trained: int, rows: int):
    """At most three standard errors more often; by chance alone, and with the declared bound."""
    by_chance, declared = quiet(rows, WINDOWS, trained, (0.0, 0.1), seed=3)
    assert declared <= by_chance <= FALSE_ALARMS + 3 * sqrt(FALSE_ALARMS * (1 - FALSE_ALARMS) / WINDOWS)


@pytest.mark.parametrize("rows", SIZES)
@pytest.mark.parametrize(
    ("change", "most"),
    [("mean + 0.5 deviations", 3), ("deviation x 1.5", 3), ("10 % NULL", 1), ("another unit (x 100)", 1)],
)
def test_a_shift_is_found_after_few_windows(change: str, most: int, rows: int):
    found = sorted(each or 21 for each in delays(rows, 10_000, CHANGES[change], seed=4, repeats=20))
    assert found[len(found) // 2] <= most
    assert found[-1] <= 20


@pytest.mark.parametrize("rare", [0.03, 0.08], ids=["3 %", "8 %"])
def test_a_rare_flag_that_becomes_frequent_is_found_and_one_that_stays_is_not(rare: float):
    """All of its deciles are 0: with one bin its index would be 0 whatever it does."""
    rng = np.random.default_rng(5)
    bins = Bins((rng.random(10_000) < rare).astype(float))
    same, frequent = (
        psi(bins.count((rng.random(1000) < share).astype(float)), bins.expected)[0] for share in (rare, 0.3)
    )
    assert same < 0.02
    assert frequent > 0.25
