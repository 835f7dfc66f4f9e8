"""How the gate compares the metric with a bound, and says so."""

from snowloop.lifecycle.evaluation.parts import Interval
from snowloop.project import Project


def figure(value: float) -> str:
    """A figure for people, of four digits."""
    return f"{value:,.0f}" if value >= 1000 else f"{value:.4g}"


def keeps(project: Project, value: float, declared: float) -> bool:
    """Whether a value of the metric is as good as declared."""
    return value >= declared if project.metric.higher_is_better else value <= declared


def at_least(project: Project) -> str:
    """What a bound of the metric means: ``at least`` or ``at most``."""
    return "at least" if project.metric.higher_is_better else "at most"


def with_ends(interval: Interval) -> str:
    """A value with the ends of its interval."""
    return f"{interval.value:.4f} ({interval.low:.4f} to {interval.high:.4f})"
