"""Which candidate is judged, and what its having been chosen takes away from its figures."""

from collections.abc import Sequence
from dataclasses import replace
from statistics import NormalDist

from snowloop.lifecycle.evaluation.results import Contest, Evaluation, Interval
from snowloop.project import Project

NORMAL = NormalDist()


def best_of(project: Project, evaluations: Sequence[Evaluation]) -> Evaluation | None:
    """The best candidate: by the mean of its folds where cross-validation is declared, else on the held-out rows.

    Of equals the champion is best, then the one declared first; without any value, any that was trained.

    Args:
        project: The project.
        evaluations: The evaluation of each candidate.

    Returns:
        The best, or None if no candidate could be trained.
    """
    best: Evaluation | None = None
    for evaluation in evaluations:
        if evaluation.candidate.error:
            continue
        value, reigning = _merit(project, evaluation), _merit(project, best) if best else None
        better = value is not None and (reigning is None or project.is_better(value, reigning))
        equal_champion = value == reigning and evaluation.candidate.version_name == evaluation.champion
        if best is None or better or equal_champion:
            best = evaluation
    return best


def chosen(project: Project, evaluations: Sequence[Evaluation], best: Evaluation) -> Evaluation:
    """The best candidate, which knows among how many it was chosen, and how.

    Args:
        project: The project.
        evaluations: The evaluation of each candidate.
        best: The best of them.

    Returns:
        The evaluation with its contest.
    """
    count = sum(not each.candidate.error for each in evaluations)
    return replace(best, contest=Contest(count, by_folds=project.cross_validation is not None))


def _merit(project: Project, evaluation: Evaluation) -> float | None:
    name = project.metric.name
    if project.cross_validation is None:
        return evaluation.metrics.get(name)
    return evaluation.candidate.metrics.get(f"cv_{name}_mean")


def widened(interval: Interval, confidence: float, compared: int) -> Interval:
    """The interval of a candidate that is the best of several on the very rows that judge it.

    Bonferroni's correction: of ``compared`` intervals all hold with the wanted confidence if each has one of
    1 - (1 - confidence) / compared (O. J. Dunn, Multiple Comparisons among Means, JASA 56, 1961). A few hundred
    resamples say nothing of a tail so far out (B. Efron, R. Tibshirani, An Introduction to the Bootstrap, 1993,
    chapter 13), so both ends are moved away from the value as those of a normal distribution would be.

    Args:
        interval: The interval of one candidate.
        confidence: Its confidence.
        compared: How many candidates were compared on the rows.

    Returns:
        The wider interval; of one candidate the same.
    """
    if compared == 1:
        return interval
    ratio = _quantile(corrected(confidence, compared)) / _quantile(confidence)
    low, high = (max(0.0, distance) for distance in (interval.value - interval.low, interval.high - interval.value))
    return Interval(interval.value, interval.value - ratio * low, interval.value + ratio * high)


def corrected(confidence: float, compared: int) -> float:
    """Confidence of each of some intervals, so that all of them hold with the given one (Bonferroni)."""
    return 1 - (1 - confidence) / compared


def flattery(interval: Interval, confidence: float, compared: int) -> float:
    """By how much the best of several equally good candidates looks better than it is, on average.

    The expected greatest of some normal errors, by Blom's approximation (G. Blom, Statistical Estimates and
    Transformed Beta-Variables, 1958), times the standard error that the interval tells. Candidates that err on the
    same rows err alike, so it is rather too much than too little.

    Args:
        interval: The bootstrap interval of the figure.
        confidence: Its confidence.
        compared: How many candidates were compared on the rows.

    Returns:
        What is to be taken off; of one candidate nothing.
    """
    error = (interval.high - interval.low) / (2 * _quantile(confidence))
    return error * NORMAL.inv_cdf((compared - 0.375) / (compared + 0.25))


def _quantile(confidence: float) -> float:
    """How many standard errors an interval of a normal distribution reaches to either side."""
    return NORMAL.inv_cdf((1 + confidence) / 2)
