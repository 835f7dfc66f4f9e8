"""What was measured in one target is judged by the bounds of another, where those are stricter."""

from dataclasses import replace

import pytest

from snowloop.checks import Check
from snowloop.lifecycle.delivery.deliver import enough_groups, judge_gaps, stricter
from snowloop.lifecycle.evaluation.parts import GroupGap, Interval
from snowloop.project import Fairness, Project, Slice
from tests.support.judged import CREDIT, DIABETES


def with_bounds(project: Project, **bounds: float) -> Project:
    of_metric = {name: value for name, value in bounds.items() if name in ("at_least", "at_most", "min_support")}
    of_gate = {name: value for name, value in bounds.items() if name not in of_metric}
    return project.model_copy(
        update={
            "metric": project.metric.model_copy(update=of_metric),
            "gate": project.gate.model_copy(update=of_gate),
        }
    )


@pytest.mark.parametrize(
    ("project", "name", "value", "bound", "bounds", "outcome"),
    [
        (CREDIT, "BOUND", 0.72, 0.6, {"at_least": 0.7}, "passed"),
        (CREDIT, "BOUND", 0.72, 0.6, {"at_least": 0.75}, "failed"),
        (DIABETES, "BOUND", 55.0, 60.0, {"at_most": 56.0}, "passed"),
        (DIABETES, "BOUND", 55.0, 60.0, {"at_most": 54.0}, "failed"),
        (CREDIT, "SUPPORT", 40, 20, {"min_support": 50}, "failed"),
        (CREDIT, "SIZE", 5000, 100_000_000, {"max_model_bytes": 4000}, "failed"),
        (CREDIT, "LATENCY", 0.5, 10.0, {"max_milliseconds_per_row": 0.6}, "passed"),
        (CREDIT, "CALIBRATION", 0.04, None, {"max_calibration_error": 0.03}, "failed"),
        (CREDIT, "DUMMY_BEATEN", 0.1, 0.0, {"at_least": 0.99}, "passed"),
    ],
)
def test_the_stricter_bound_decides(
    project: Project, name: str, value: float, bound: float | None, bounds: dict[str, float], outcome: str
):
    before = Check(name, "passed" if bound is not None else "not_asked", "in staging: measured", value, bound)
    judged = stricter(with_bounds(project, **bounds), "prod", before)
    assert judged.outcome == outcome
    if name != "DUMMY_BEATEN":
        assert judged.reason.startswith("in staging: measured; prod asks for at ")
        assert judged.bound == next(iter(bounds.values()))


def test_an_equal_bound_and_a_failed_check_are_left_as_they_are():
    passed = Check("SIZE", "passed", "measured", 5.0, float(CREDIT.gate.max_model_bytes))
    assert stricter(CREDIT, "prod", passed) is passed
    failed = replace(passed, outcome="failed")
    assert stricter(with_bounds(CREDIT, max_model_bytes=10), "prod", failed) is failed


@pytest.mark.parametrize(
    ("groups", "outcome", "says"),
    [
        (25.0, "passed", "in staging: measured"),
        (24.0, "failed", "in staging: measured; 24 held-out groups, prod asks for at least 25"),
        (None, "failed", "an unknown number of held-out groups, prod asks for at least 25"),
    ],
)
def test_enough_groups_are_asked_for_by_the_stricter_bound(groups: float | None, outcome: str, says: str):
    project = CREDIT.model_copy(update={"metric": CREDIT.metric.model_copy(update={"min_groups": 25})})
    judged = enough_groups(project, "prod", Check("SUPPORT", "passed", "in staging: measured", 40.0, 20.0), groups)
    assert judged.outcome == outcome
    assert judged.reason.endswith(says)
    failed = Check("SUPPORT", "failed", "in staging: too few rows", 4.0, 20.0)
    assert enough_groups(project, "prod", failed, groups) is failed


GAP = GroupGap("SEX", "selection_rate", "f", "m", 0.15, 0.12, 0.18, wider=Interval(0.06, 0.04, 0.08))


@pytest.mark.parametrize(
    ("fairness", "outcome", "says"),
    [
        (Fairness(selection_rate=0.2), "passed", "no gap between groups of people surely exceeds its bound"),
        (Fairness(selection_rate=0.1), "failed", "between SEX f and m is 0.1500"),
        (Fairness(selection_rate=0.2, max_widening=0.01), "failed", "is wider than that of champion OLD by 0.0600"),
        (Fairness(true_positive_rate=0.2), "failed", "the gap of the true positive rate between groups of SEX cannot"),
    ],
)
def test_gaps_between_groups_are_judged_by_the_bounds_of_the_target(fairness: Fairness, outcome: str, says: str):
    people = CREDIT.evaluation.model_copy(update={"slices": (Slice(column="SEX", inclusion=True),)})
    gate = CREDIT.gate.model_copy(update={"fairness": fairness})
    project = CREDIT.model_copy(update={"evaluation": people, "gate": gate})
    judged = judge_gaps(project, "staging", "NEW", (GAP,), "OLD")
    assert judged.outcome == outcome
    assert judged.reason.startswith("measured in staging: ")
    assert says in judged.reason
