"""What was measured in one target is judged by the bounds of another, where those are stricter."""

from dataclasses import replace

import pytest

from snowloop.checks import Check
from snowloop.lifecycle.delivery.deliver import stricter
from snowloop.project import Project
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
