"""Drift of real calls is found after the autumn of 2008, and retraining helps: what docs/drift.md states."""

import pytest

from tests.lifecycle.monitoring.bank_months import FILE, TRAINED_UNTIL, follow

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not FILE.exists(), reason="the Bank Marketing file is not there"),
]


def test_drift_is_found_after_the_training_and_retrained_beats_stale():
    windows = follow()
    first = [each for each in windows if each.start < TRAINED_UNTIL]
    later = [each for each in windows if each.start >= TRAINED_UNTIL]
    assert len(first) == 5
    assert {(each.over, each.alerts) for each in first} == {((), ())}
    assert all(each.over for each in later)
    assert all("drift:POUTCOME" in each.alerts for each in later[2:]), "open at the third window above its bound"
    assert all((each.retrained or 0.0) > each.stale[0] for each in later[2:])
    assert all((each.retrained or 0.0) > each.stale[2] for each in later[-4:]), "beyond the interval"
