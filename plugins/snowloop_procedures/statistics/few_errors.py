"""What rows tell of a share, such as accuracy or F1, in which they show few errors or none.

A share without an error shows no variance of its own, and yet 50 rows that are all predicted right do not prove that
the accuracy is 1. The limits of a count are exact (C. J. Clopper, E. S. Pearson, Biometrika 26, 1934), of dependent
rows those of as many independent ones as they are worth (E. L. Korn, B. I. Graubard, Confidence Intervals for
Proportions with Small Expected Number of Positive Counts Estimated from Survey Data, Survey Methodology 24, 1998).
Those of a mean over classes follow from the limits of each (G. Y. Zou, A. Donner, Construction of Confidence Limits
about Effect Measures, Statistics in Medicine 27, 2008).

Labels and scores have the shapes that ``snowloop_procedures.statistics.metrics`` describes.
"""

from dataclasses import dataclass

import numpy as np

from snowloop_procedures.statistics import metrics

DISCORDANT_FREEDOM = 4
"""Degrees of freedom of the variance of two rows among many, by their kurtosis."""


@dataclass(frozen=True)
class Limits:
    """A share and the ends of its interval."""

    value: float
    low: float
    high: float


def limits(
    name: str, label: np.ndarray, score: np.ndarray, threshold: float, confidence: float, counting: float
) -> Limits | None:
    """An interval that holds also where the rows show few errors of a metric, or none.

    Args:
        name: Name of the metric.
        label: Labels of n rows, which allow the metric.
        score: Their scores.
        threshold: Score from which a row counts as class 1.
        confidence: Between 0 and 1.
        counting: For how many independent rows one row counts: 1, or less if rows are alike.

    Returns:
        The ends; None if the rows show the error of this metric.
    """
    if name == "average_precision":
        return _average_precision(label == 1, score, confidence, counting)
    predicted = metrics.predicted_class(score, threshold)
    if name == "f1":
        return _f1(label == 1, predicted == 1, confidence, counting)
    if name == "f1_macro":  # an error is one of two classes, so that their errors are alike
        places = np.union1d(label, predicted)
        return _mean([_f1(label == place, predicted == place, confidence, counting) for place in places], alike=2)
    right = predicted == label
    if name == "balanced_accuracy":
        return _mean([_counted(right[label == place], confidence, counting) for place in np.unique(label)])
    return _counted(right, confidence, counting)


def discordant(name: str, label: np.ndarray) -> float:
    """By how much a metric of n rows moves, to first order, with one row that one model predicts right and one wrong.

    Two models that err on no row differently, or on one, show no variance of their difference. So one such row more
    counts for each of them (D. G. Bonett, R. M. Price, Adjusted Wald Confidence Interval for a Difference of Binomial
    Proportions Based on Paired Data, Journal of Educational and Behavioral Statistics 37, 2012).

    Args:
        name: Name of the metric.
        label: Labels of n rows.

    Returns:
        The step, in units of the metric; 0 of a metric that does not count rows.
    """
    if name == "accuracy":
        return 1 / len(label)
    if name == "f1":
        return 1 / (2 * max(1.0, float((label == 1).sum())))
    if name in ("balanced_accuracy", "f1_macro"):
        counts = np.unique(label, return_counts=True)[1]
        return 1 / (len(counts) * float(counts.min()))
    return 0.0


def _counted(right: np.ndarray, confidence: float, counting: float) -> Limits:
    from scipy.stats import beta

    tail, rows = (1 - confidence) / 2, len(right) * counting
    hits = float(right.mean()) * rows
    low = float(beta.ppf(tail, hits, rows - hits + 1)) if hits > 0 else 0.0
    high = float(beta.ppf(1 - tail, hits + 1, rows - hits)) if hits < rows else 1.0
    return Limits(float(right.mean()), low, high)


def _f1(true: np.ndarray, predicted: np.ndarray, confidence: float, counting: float) -> Limits:
    """F1 = 2 J / (1 + J), with J the share of hits among rows that are positive or predicted so."""
    hits = _counted(predicted[true | predicted] & true[true | predicted], confidence, counting)
    return Limits(*(2 * each / (1 + each) for each in (hits.value, hits.low, hits.high)))


def _average_precision(true: np.ndarray, score: np.ndarray, confidence: float, counting: float) -> Limits | None:
    """Where less than one positive is ranked wrongly: it is taken for a share of the positives."""
    value, ones = metrics.value("average_precision", true.astype(int), score), int(true.sum())
    if value is None or (1 - value) * ones >= 1:
        return None
    return _counted(np.repeat([value], ones), confidence, counting)


def _mean(each: list[Limits], alike: int = 1) -> Limits:
    value, scale = float(np.mean([one.value for one in each])), np.sqrt(min(alike, len(each))) / len(each)
    below = scale * np.sqrt(sum((one.value - one.low) ** 2 for one in each))
    above = scale * np.sqrt(sum((one.high - one.value) ** 2 for one in each))
    return Limits(value, max(0.0, value - float(below)), min(1.0, value + float(above)))
