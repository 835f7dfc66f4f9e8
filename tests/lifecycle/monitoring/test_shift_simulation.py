"""Which alert opens on which shift, and how soon: what docs/drift.md states."""

import pytest

from tests.lifecycle.monitoring.shift_simulation import MOST, SHIFTS, until_alert

pytestmark = pytest.mark.slow
OPENS = 3
"""An alert opens at the third window above its bound at the earliest, one of `immediate` at the first."""


def test_without_a_shift_no_alert_opens():
    assert until_alert("none", 1000, 7, 10) == [(None, set())] * 10


@pytest.mark.parametrize("name", [name for name in SHIFTS if name != "none"])
def test_a_shift_opens_the_right_alert(name: str):
    found = until_alert(name, 1000, 8, 10)
    earliest = 1 if name.startswith("delayed") else OPENS
    slow = name == "concept: the weights are halved"
    delays = sorted(delay or MOST + 1 for delay, _ in found)
    assert delays[0] >= earliest
    assert delays[len(delays) // 2] <= (10 if slow else earliest + 1)


def test_a_concept_shift_is_no_drift_of_the_rows():
    for _, signals in until_alert("concept: the weights change their sign", 1000, 9, 5):
        assert signals == {"performance"}
