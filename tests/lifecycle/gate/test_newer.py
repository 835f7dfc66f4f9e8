"""Rows that arrived since a version was trained are a second hold-out: only what they contradict is refused."""

from dataclasses import replace

import pytest

from snowloop.lifecycle.evaluation.parts import Interval, NewerRows
from tests.support.judged import CREDIT, GOOD, checks


@pytest.mark.parametrize(
    ("found", "outcome", "says"),
    [
        (None, "not_asked", "it was trained on the rows that are labelled now"),
        (
            NewerRows(90, 19, 0.5),
            "not_asked",
            "of the 90 labelled rows that arrived since it was trained 19 count, 20 are",
        ),
        (NewerRows(90, 30, 0.6, Interval(0.6, 0.5, 0.7)), "passed", "roc_auc is 0.6000 (0.5000 to 0.7000)"),
        (NewerRows(90, 30, 0.7, Interval(0.7, 0.6, 0.8), 0.8, Interval(-0.1, -0.2, 0.0)), "passed", "on 90 labelled"),
        (NewerRows(90, 30, 0.6, Interval(0.6, 0.56, 0.64)), "failed", "surely not at least 0.65: train again"),
    ],
)
def test_rows_that_arrived_since_refuse_only_what_they_contradict(found: NewerRows | None, outcome: str, says: str):
    (check,) = (each for each in checks(CREDIT, replace(GOOD, newer=found)) if each.name == "NEWER_ROWS")
    assert check.outcome == outcome
    assert says in check.reason
