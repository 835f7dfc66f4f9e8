"""Which candidate is judged, and how much of its figures is selection bias."""

from collections.abc import Sequence
from dataclasses import replace
from statistics import NormalDist

from snowloop.lifecycle.evaluation.results import Evaluation, Interval, Selection
from snowloop.project import Project

NORMAL = NormalDist()


def best_of(project: Project, evaluations: Sequence[Evaluation]) -> Evaluation | None:
    """The best candidate: by the mean of its folds where cross-validation is declared, else on the held-out rows.

    Of equals the champion is best, then the one declared first; without any value, any that was trained.

    Args:
        evaluations: The evaluation of each candidate.

    Returns:
        The best, or None if no candidate could be trained.
    """
    best: Evaluation | None = None
    for evaluation in evaluations:
        if evaluation.candidate.error:
            continue
        value, highest = _deciding(project, evaluation), _deciding(project, best) if best else None
        better = value is not None and (highest is None or project.is_better(value, highest))
        equal_champion = value == highest and evaluation.candidate.version_name == evaluation.champion
        if best is None or better or equal_champion:
            best = evaluation
    return best


def selected(project: Project, evaluations: Sequence[Evaluation], best: Evaluation) -> Evaluation:
    """The best candidate, with how it was selected and among how many.

    Args:
        evaluations: The evaluation of each candidate.
        best: The best of them.

    Returns:
        The evaluation with its selection.
    """
    count = sum(not each.candidate.error for each in evaluations)
    return replace(best, selection=Selection(count, by_folds=project.cross_validation is not None))


def _deciding(project: Project, evaluation: Evaluation) -> float | None:
    name = project.metric.name
    if project.cross_validation is None:
        return evaluation.metrics.get(name)
    return evaluation.candidate.metrics.get(f"cv_{name}_mean")


def bonferroni_interval(interval: Interval, confidence: float, compared: int) -> Interval:
    """The interval of a candidate that is the best of several on the very rows that judge it.

    Bonferroni's correction: ``compared`` intervals all hold with a confidence if each has the confidence
    1 - (1 - confidence) / compared (O. J. Dunn, Multiple Comparisons among Means, JASA 56, 1961). A few hundred
    resamples do not reach a tail so far out (B. Efron, R. Tibshirani, An Introduction to the Bootstrap, 1993,
    chapter 13), so both ends are moved away from the value as those of a normal distribution would be.

    Args:
        interval: The interval of one candidate, in units of the metric.
        confidence: Its confidence, between 0 and 1.
        compared: How many candidates were compared on the rows.

    Returns:
        The wider interval, of the same units; of one candidate the same interval.
    """
    if compared == 1:
        return interval
    ratio = _standard_errors(bonferroni_confidence(confidence, compared)) / _standard_errors(confidence)
    low, high = (max(0.0, distance) for distance in (interval.value - interval.low, interval.high - interval.value))
    return Interval(interval.value, interval.value - ratio * low, interval.value + ratio * high)


def bonferroni_confidence(confidence: float, compared: int) -> float:
    """The confidence that each of ``compared`` intervals must have, so that all of them hold with ``confidence``."""
    return 1 - (1 - confidence) / compared


def selection_bias(interval: Interval, confidence: float, compared: int) -> float:
    """By how much the best of several equally good candidates looks better than it is, on average.

    The expected maximum of ``compared`` standard normal errors, by Blom's approximation (G. Blom, Statistical Estimates
    and Transformed Beta-Variables, 1958), times the standard error that follows from the interval. Errors of candidates
    on the same rows are correlated, so the figure is rather too large than too small.

    Args:
        interval: The bootstrap interval of the figure, in units of the metric.
        confidence: Its confidence, between 0 and 1.
        compared: How many candidates were compared on the rows.

    Returns:
        What to subtract, in units of the metric; of one candidate 0.
    """
    error = (interval.high - interval.low) / (2 * _standard_errors(confidence))
    return error * NORMAL.inv_cdf((compared - 0.375) / (compared + 0.25))


def _standard_errors(confidence: float) -> float:
    """How many standard errors an interval of a normal distribution reaches to either side."""
    return NORMAL.inv_cdf((1 + confidence) / 2)
