"""The gate's check of fairness: how differently groups of people are treated, also compared with the champion."""

from collections.abc import Sequence

from snowloop.checks import Check
from snowloop.lifecycle.evaluation.parts import GroupGap
from snowloop.lifecycle.evaluation.results import Evaluation
from snowloop.lifecycle.gate.metric import with_ends
from snowloop.lifecycle.gate.selection import bonferroni_interval
from snowloop.project import Project

NAME = "FAIRNESS"


def fairness(project: Project, best: Evaluation) -> Check:
    """The bounded gaps between groups of people keep their bounds, and are not much wider than the champion's.

    As of a slice, a gap is refused if even the better end of its interval misses the bound, with an allowance for the
    number of gaps (Bonferroni).
    """
    bounds, widening = project.gate.fairness.bounds, project.gate.fairness.max_widening
    if not bounds:
        return Check(NAME, "not_asked", "no gap between groups of people has a bound")
    judged = [(gap, gap.interval) for gap in best.gaps if gap.figure in bounds and gap.interval is not None]
    rival = best.champion if widening is not None and not best.is_champion else None
    compared = [(gap, gap.wider) for gap, _ in judged if rival and gap.wider is not None]
    number, failures = len(judged) + len(compared), _unjudged(project, [gap for gap, _ in judged])
    if rival and not compared:
        failures.append(f"the gaps of champion {rival} on the same rows are missing")
    confidence = project.evaluation.confidence
    questions = [(gap, "is", interval, bounds[gap.figure]) for gap, interval in judged]
    questions += [
        (gap, f"is wider than that of champion {rival} by", wider, widening or 0.0) for gap, wider in compared
    ]
    for gap, what, each, most in questions:
        interval = bonferroni_interval(each, confidence, number)
        if interval.low > most:
            failures.append(f"{_where(gap)} {what} {with_ends(interval)}, at most {most:g} is allowed")
    allowed = f"; {number} comparisons are allowed for" if number > 1 else ""
    reason = ("; ".join(failures) or _kept(bounds, best, rival)) + allowed
    worst = max((gap for gap, _ in judged), key=lambda gap: gap.value / bounds[gap.figure], default=None)
    value, bound = (worst.value, bounds[worst.figure]) if worst else (None, None)
    return Check.of(NAME, passed=not failures, reason=reason, value=value, bound=bound)


def _unjudged(project: Project, judged: Sequence[GroupGap]) -> list[str]:
    """The bounded figures of slices about people of which no two groups can be compared."""
    there = {(gap.column, gap.figure) for gap in judged}
    return [
        f"the gap of the {_words(figure)} between groups of {each.column} cannot be judged: two groups of "
        f"{each.min_rows} held-out rows are needed, for a rate among a class with {each.min_events} rows of it"
        for each in project.evaluation.slices
        if each.inclusion
        for figure in project.gate.fairness.bounds
        if (each.column, figure) not in there
    ]


def _words(figure: str) -> str:
    return figure.replace("_", " ")


def _where(gap: GroupGap) -> str:
    return f"the gap of the {_words(gap.figure)} between {gap.column} {gap.one} and {gap.other}"


def _kept(bounds: dict[str, float], best: Evaluation, rival: str | None) -> str:
    figures = ", ".join(
        f"{_words(each.figure)} {each.value:.3g} ({each.column})" for each in best.widest_gaps if each.figure in bounds
    )
    also = f", none is surely wider than that of champion {rival}" if rival else ""
    return f"no gap between groups of people surely exceeds its bound{also}; the widest are {figures}"
