"""How often drift is found where there is none, and how soon where there is: what docs/drift.md states."""

from math import sqrt

import pytest

from tests.lifecycle.monitoring.drift_simulation import CHANGES, FALSE_ALARMS, SIZES, delays, quiet

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
