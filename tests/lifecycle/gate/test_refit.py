"""What is asked of a version that was trained on all rows, as pure functions."""

from dataclasses import replace

import pytest

from snowloop.lifecycle.evaluation.results import Evaluation
from snowloop.lifecycle.gate.refit import keeps_quality
from snowloop.project import Project
from tests.support.judged import CREDIT, DIABETES, GOOD, evaluation


@pytest.mark.parametrize(
    ("of", "value", "judged", "passed"),
    [
        (CREDIT, 0.80, 0.75, True),
        (CREDIT, 0.74, 0.75, True),
        (CREDIT, 0.70, 0.75, False),
        (DIABETES, 50.0, 55.0, True),
        (DIABETES, 60.0, 55.0, False),
        (CREDIT, None, 0.75, False),
    ],
)
def test_a_refit_that_is_worse_where_it_was_trained_is_refused(
    of: Project, value: float | None, judged: float, passed: bool
):
    """A model looks better on rows it was trained on: one that does not was not fitted as the judged one was."""
    name = of.metric.name
    asked: Evaluation = evaluation("A", {} if value is None else {name: value}, "JUDGED", **{name: judged})
    assert keeps_quality(of, asked, "JUDGED").passed is passed


def test_the_champion_that_is_a_refit_of_the_candidate_is_the_champion_already():
    assert not GOOD.is_champion
    assert replace(GOOD, champion="A_1_REFIT", champion_measured_by="A_1").is_champion
