"""The gate's check of rows that arrived since a version was trained: they must not contradict it."""

from snowloop.checks import Check
from snowloop.lifecycle.evaluation.parts import Interval
from snowloop.lifecycle.evaluation.results import Evaluation
from snowloop.lifecycle.gate.metric import at_least, keeps, with_ends
from snowloop.project import Project

NAME = "NEWER_ROWS"


def newer(project: Project, best: Evaluation) -> Check:
    """The metric does not surely miss its bound on newer rows.

    These rows have chosen nothing, so that no allowance is made. As they may be few, only what they contradict is
    refused: the better end of the interval must keep the bound; without an interval the value must.
    """
    metric, found = project.metric, best.newer
    if found is None:
        return Check(NAME, "not_asked", "it was trained on the rows that are labelled now")
    arrived = f"of the {found.rows} labelled rows that arrived since it was trained {found.support} count"
    if found.support < metric.min_support:
        return Check(NAME, "not_asked", f"{arrived}, {metric.min_support} are needed", found.value, metric.bound)
    if found.value is None:
        reason = f"{arrived}, but they do not allow to compute {metric.name}"
        return Check.of(NAME, passed=False, reason=reason, bound=metric.bound)
    interval = found.interval or Interval(found.value, found.value, found.value)
    passed = keeps(project, interval.high if metric.higher_is_better else interval.low, metric.bound)
    reason = f"on {found.rows} labelled rows that arrived since it was trained {metric.name} is {with_ends(interval)}"
    if not passed:
        reason += f", surely not {at_least(project)} {metric.bound:g}: train again, with these rows"
    return Check.of(NAME, passed=passed, reason=reason, value=found.value, bound=metric.bound, baseline=found.champion)


def worse_than_champion(project: Project, best: Evaluation) -> str:
    """What newer rows that did not train the champion say against a version: surely worse; empty if they do not."""
    found = best.newer
    if (
        found is None
        or found.champion is None
        or found.difference is None
        or found.support < project.metric.min_support
    ):
        return ""
    tolerated = project.metric.tolerated(found.champion)
    if found.difference.high >= -tolerated:
        return ""
    return (
        f"on {found.rows} labelled rows that arrived since it was trained it is better than the champion by "
        f"{with_ends(found.difference)}, {-tolerated:.4g} is tolerated"
    )
