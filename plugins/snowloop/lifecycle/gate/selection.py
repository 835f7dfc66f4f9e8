"""The order of candidates, and how much of the figures of a chosen one is selection bias."""

from collections.abc import Sequence
from statistics import NormalDist

from snowloop.lifecycle.evaluation.parts import Interval
from snowloop.lifecycle.evaluation.results import Evaluation
from snowloop.project import Project

NORMAL = NormalDist()


def ranked(project: Project, evaluations: Sequence[Evaluation]) -> list[Evaluation]:
    """The candidates that could be trained, the best first.

    By the mean of the folds where cross-validation is declared, else on the held-out rows. Of equals the champion comes
    first, then the one declared first; those without a value come last.

    Args:
        evaluations: The evaluation of each candidate.

    Returns:
        The evaluations.
    """

    def place(evaluation: Evaluation) -> tuple[bool, float, bool]:
        value = _deciding(project, evaluation)
        descending = 0.0 if value is None else -value if project.metric.higher_is_better else value
        return value is None, descending, not evaluation.is_champion

    return sorted((each for each in evaluations if not each.candidate.error), key=place)


def _deciding(project: Project, evaluation: Evaluation) -> float | None:
    name = project.metric.name
    if project.cross_validation is None:
        return evaluation.metrics.get(name)
    return evaluation.candidate.metrics.get(f"cv_{name}_mean")


def bonferroni_interval(interval: Interval, confidence: float, compared: int) -> Interval:
    """The interval of a candidate that is the best of several on the very rows that judge it.

    Bonferroni's correction: ``compared`` intervals all hold with a confidence if each has the confidence
    1 - (1 - confidence) / compared (O. J. Dunn, Multiple Comparisons among Means, JASA 56, 1961). Both ends are moved
    away from the value as those of a normal distribution would be.

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
        interval: The interval of the figure, in units of the metric.
        confidence: Its confidence, between 0 and 1.
        compared: How many candidates were compared on the rows.

    Returns:
        What to subtract, in units of the metric; of one candidate 0.
    """
    error = (interval.high - interval.low) / (2 * _standard_errors(confidence))
    return error * NORMAL.inv_cdf((compared - 0.375) / (compared + 0.25))


def equal_passes(interval: Interval, confidence: float, compared: int, tolerance: float) -> float:
    """The power of the test: how probable it is that a model of exactly equal quality keeps the tolerance.

    Args:
        interval: The paired interval of the difference, in units of the metric.
        confidence: Its confidence, between 0 and 1.
        compared: How many candidates were compared on the rows.
        tolerance: By how much the lower end may be below 0.

    Returns:
        A probability.
    """
    error = (interval.value - interval.low) / _standard_errors(confidence)
    if not error:
        return 1.0
    return NORMAL.cdf(tolerance / error - _standard_errors(bonferroni_confidence(confidence, compared)))


def _standard_errors(confidence: float) -> float:
    """How many standard errors an interval of a normal distribution reaches to either side."""
    return NORMAL.inv_cdf((1 + confidence) / 2)
