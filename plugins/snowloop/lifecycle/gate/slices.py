"""The gate's check of slices: the metric in every declared part of the rows that can be judged."""

from snowloop.checks import Check
from snowloop.lifecycle.evaluation.parts import SliceResult
from snowloop.lifecycle.evaluation.results import Evaluation
from snowloop.lifecycle.gate.metric import at_least, keeps
from snowloop.lifecycle.gate.selection import bonferroni_interval
from snowloop.project import Project, Slice


def slices(project: Project, best: Evaluation) -> Check:
    """The metric keeps its bound in every declared part of the rows that can be judged.

    A part is refused if even the better end of its interval misses the bound, with an allowance for the number of
    parts (Bonferroni): of ten parts that all keep it, one looks worse by chance. Without an interval its value counts.
    """
    with_bound = [(declared, declared.bound) for declared in project.evaluation.slices if declared.bound is not None]
    if not with_bound:
        return Check("SLICES", "not_asked", "no slice declares a bound")
    parts = [(declared, bound, part) for declared, bound in with_bound for part in _parts(best, declared)]
    judged = [(declared, bound, part) for declared, bound, part in parts if not _too_small(declared, part)]
    failures = [
        f"{declared.column} has no part that can be judged: {declared.min_rows} held-out rows are needed, "
        f"{declared.min_events} of them of the rarest class"
        for declared, _ in with_bound
        if declared not in [each for each, _, _ in judged]
    ]
    failures += filter(None, (_part_fails(project, bound, part, len(judged)) for _, bound, part in judged))
    values = [part.value for _, _, part in judged if part.value is not None]
    worst = None if not values else min(values) if project.metric.higher_is_better else max(values)
    reason = "; ".join(failures) or f"{len(judged)} parts of the rows keep the bounds of their slices"
    left = [f"{part.column} {part.part} ({why})" for each, _, part in parts if (why := _too_small(each, part))]
    reason += f"; not judged: {', '.join(left)}" if left else ""
    return Check.of("SLICES", passed=not failures, reason=reason, value=worst)


def _parts(best: Evaluation, declared: Slice) -> list[SliceResult]:
    return [part for part in best.slices if part.column == declared.column]


def _too_small(declared: Slice, part: SliceResult) -> str:
    """Why a part cannot be judged; empty if it can."""
    if part.rows < declared.min_rows:
        return f"{part.rows} of {declared.min_rows} rows"
    if part.events is not None and part.events < declared.min_events:
        return f"{part.events} of {declared.min_events} rows of the rarest class"
    return ""


def _part_fails(project: Project, bound: float, part: SliceResult, judged: int) -> str:
    """Why a part of the rows, one of so many that are judged, does not keep the bound; empty if it may."""
    name, where = project.metric.name, f"{part.column} {part.part} ({part.rows} rows)"
    if part.value is None:
        return f"{name} is missing for {where}"
    value, ends = part.value, ""
    if part.interval is not None:
        interval = bonferroni_interval(part.interval, project.evaluation.confidence, judged)
        value = interval.high if project.metric.higher_is_better else interval.low
        ends = f" ({interval.low:.4f} to {interval.high:.4f}, {judged} parts allowed for)"
    if keeps(project, value, bound):
        return ""
    return f"{name} of {where} is {part.value:.4f}{ends}, not {at_least(project)} {bound:g}"
