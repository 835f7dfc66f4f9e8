"""Confidence intervals of metrics, computed from the influence of each row: nothing is drawn at random.

A metric of n rows moves, to first order, by the mean of the rows' influences (F. R. Hampel, The Influence Curve and
its Role in Robust Estimation, JASA 69, 1974), so the standard error of a metric, or of the difference of two models'
metrics on the same rows, is that of a mean. Of the ROC AUC this is DeLong's method (E. R. DeLong, D. M. DeLong, D. L.
Clarke-Pearson, Comparing the Areas under Two or More Correlated ROC Curves, Biometrics 44, 1988), of a mean of losses
the paired t interval. How often these intervals hold is simulated: docs/statistics.md.

Labels and scores have the shapes that ``snowloop_procedures.statistics.metrics`` describes.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from snowloop_procedures.statistics.few_errors import DISCORDANT_FREEDOM, discordant, limits
from snowloop_procedures.statistics.influences import Influence, influence

FEWEST_GROUPS = 10
"""With fewer groups an interval holds far less often than it says (C. Cameron, J. Gelbach, D. Miller, Bootstrap-Based
Improvements for Inference with Clustered Errors, Review of Economics and Statistics 90, 2008)."""
BLOCKS = 50
"""Blocks of consecutive rows: each is long against short-lived dependence, and they are enough for a variance."""
_SHARES = ("roc_auc", "roc_auc_ovr", "average_precision", "accuracy", "balanced_accuracy", "f1", "f1_macro")
_RANKINGS = ("roc_auc", "roc_auc_ovr")
_COUNTED = ("accuracy", "balanced_accuracy", "f1")
"""Shares of counted rows, whose exact limits are known however few errors there are."""


@dataclass(frozen=True)
class Dependence:
    """Which rows are not independent of each other.

    Args:
        groups: The group of each row, such as a customer, of shape (n,); None: each row is one by itself.
        order: The position of each row in time, of shape (n,), equal for rows of the same time; None: no order.
    """

    groups: np.ndarray | None = None
    order: np.ndarray | None = None

    def of(self, rows: np.ndarray) -> "Dependence":
        """The dependence of some of the rows, a mask of shape (n,)."""
        return Dependence(*(None if each is None else each[rows] for each in (self.groups, self.order)))


INDEPENDENT = Dependence()


@dataclass(frozen=True)
class StandardError:
    """A standard error, in units of the metric, and the degrees of freedom of the t distribution that goes with it."""

    value: float
    freedom: float

    def reach(self, confidence: float) -> float:
        """How far an interval of a confidence, between 0 and 1, reaches to either side."""
        from scipy.stats import t

        return self.value * float(t.ppf((1 + confidence) / 2, self.freedom))


def interval(
    name: str,
    label: np.ndarray,
    score: np.ndarray,
    threshold: float,
    confidence: float,
    dependence: Dependence = INDEPENDENT,
) -> dict[str, float] | None:
    """The interval of one model's metric.

    Shares of counted rows (accuracy, F1) get exact limits: ``few_errors``. ROC AUC and average precision get it on the
    scale of the logit, so that it stays between 0 and 1 and is right where the metric is close to one of them (M. S.
    Pepe, The Statistical Evaluation of Medical Tests, 2003, section 5.2.4), and at least as wide as few errors allow.
    Errors are skewed: their interval is corrected for the skewness (P. Hall, On the Removal of Skewness by
    Transformation, JRSS B 54, 1992).

    Args:
        name: Name of the metric.
        label: Labels of n rows.
        score: Their scores.
        threshold: Score from which a row counts as class 1.
        confidence: Between 0 and 1.
        dependence: Which rows are not independent.

    Returns:
        ``value``, ``low`` and ``high``; None if the rows do not allow the metric, or do not tell its error.
    """
    found = influence(name, label, score, threshold)
    if found is None:
        return None
    ends = (_share if name in _SHARES else _number)(name, label, score, (threshold, confidence), found, dependence)
    return None if ends is None else {"value": found.value, "low": ends[0], "high": ends[1]}


def difference(
    name: str,
    label: np.ndarray,
    score: np.ndarray,
    other: np.ndarray,
    plan: tuple[float, float],
    *,
    higher_is_better: bool,
    dependence: Dependence = INDEPENDENT,
) -> dict[str, float] | None:
    """How much better one model's metric is than another's on the same rows, with the paired interval.

    Args:
        name: Name of the metric.
        label: Labels of n rows.
        score: The model's scores.
        other: The other's scores of the same rows.
        plan: The threshold and the confidence.
        higher_is_better: The metric's direction.
        dependence: Which rows are not independent.

    Returns:
        ``value``, above 0 where the model is better, ``low`` and ``high``; None if the rows do not allow it.
    """
    threshold, confidence = plan
    own, others = (influence(name, label, each, threshold) for each in (score, other))
    if own is None or others is None:
        return None
    rows = own.rows - others.rows
    error = standard_error(rows, dependence)
    same_model = np.array_equal(score, other) and len(np.unique(score)) > 2  # two values are but the predicted classes
    step = 0.0 if same_model else discordant(name, label)
    if error is not None and step:
        extra = 2 * step**2 / _counting(rows, error, dependence)
        variance = error.value**2 + extra
        freedom = variance**2 / (error.value**4 / error.freedom + extra**2 / DISCORDANT_FREEDOM)
        error = StandardError(float(np.sqrt(variance)), freedom)
    if error is None:
        return None
    value = own.value - others.value if higher_is_better else others.value - own.value
    reach = error.reach(confidence)
    return {"value": value, "low": value - reach, "high": value + reach}


def unpaired_difference(
    own: dict[str, float] | None, other: dict[str, float] | None, *, higher_is_better: bool
) -> dict[str, float] | None:
    """How much better one model's metric is than another's on other rows, from the interval of each.

    Each end is as far from the difference as the ends of the two are from their values, squared and summed: so the
    limits of few errors and the skewness of large ones carry over (G. Y. Zou, A. Donner, Construction of Confidence
    Limits about Effect Measures, Statistics in Medicine 27, 2008; of two shares R. G. Newcombe 1998, method 10).

    Args:
        own: The ``interval`` of the model's metric on its rows; None if they do not allow it.
        other: That of the other.
        higher_is_better: The metric's direction.

    Returns:
        As of ``difference``.
    """
    if own is None or other is None:
        return None
    better, worse = (own, other) if higher_is_better else (other, own)
    value = better["value"] - worse["value"]
    below = np.hypot(better["value"] - better["low"], worse["high"] - worse["value"])
    above = np.hypot(better["high"] - better["value"], worse["value"] - worse["low"])
    return {"value": value, "low": float(value - below), "high": float(value + above)}


def standard_error(rows: np.ndarray, dependence: Dependence = INDEPENDENT) -> StandardError | None:
    """The standard error of the mean of influences.

    Independent rows: their variance, with the degrees of freedom that follow from their kurtosis, so that a few rows
    that decide a metric (rare positives, one large claim) make the interval wider (F. E. Satterthwaite, Biometrics 2,
    1946; B. O'Neill, Some Useful Moment Results in Sampling Problems, American Statistician 68, 2014).

    Groups: the jackknife over groups (R. M. Bell, D. F. McCaffrey, Bias Reduction in Standard Errors for Linear
    Regression with Multi-Stage Samples, Survey Methodology 28, 2002).

    Rows in time: sums over blocks of consecutive rows, whose autocorrelation is taken as that of an AR(1), corrected
    for its bias (F. H. C. Marriott, J. A. Pope, Biometrika 41, 1954; D. W. K. Andrews, J. C. Monahan, An Improved
    Heteroskedasticity and Autocorrelation Consistent Covariance Matrix Estimator, Econometrica 60, 1992).

    Args:
        rows: Influences, of shape (n,).
        dependence: Which rows are not independent.

    Returns:
        The error; None where there are fewer than ``FEWEST_GROUPS`` groups or times, or fewer than two rows.
    """
    if dependence.order is not None:
        return _over_time(rows, dependence.order)
    if dependence.groups is not None:
        return _over_groups(rows, dependence.groups)
    count = len(rows)
    if count < 2:
        return None
    return StandardError(float(np.sqrt(np.sum(rows**2) / (count - 1) / count)), _freedom(rows))


def _freedom(parts: np.ndarray) -> float:
    """Degrees of freedom of the variance of n independent parts with mean 0: by their kurtosis, n - 1 at most."""
    square = float(np.mean(parts**2))
    kurtosis = float(np.mean(parts**4)) / square**2 if square else 3.0
    return float(np.clip(2 * len(parts) / max(kurtosis - 1, 1e-9), 1, len(parts) - 1))


def _over_groups(rows: np.ndarray, groups: np.ndarray) -> StandardError | None:
    codes, _ = pd.factorize(groups, use_na_sentinel=False)
    sizes = np.bincount(codes)
    if len(sizes) < FEWEST_GROUPS:
        return None
    without = np.bincount(codes, weights=rows) / (1 - sizes / len(rows))
    variance = np.sum(without**2) / len(rows) ** 2 * (len(sizes) - 1) / len(sizes)
    return StandardError(float(np.sqrt(variance)), _freedom(without))


def _over_time(rows: np.ndarray, order: np.ndarray) -> StandardError | None:
    placed = np.argsort(order, kind="stable")
    _, first, same = np.unique(order[placed], return_index=True, return_inverse=True)
    # rows of one time are in one block: that of the first of them
    _, blocks = np.unique((first * BLOCKS // len(rows))[same], return_inverse=True)
    sums = np.bincount(blocks, weights=rows[placed])
    count, square = len(sums), float(np.sum(sums**2))
    if count < FEWEST_GROUPS:
        return None
    correlation = float(np.sum(sums[1:] * sums[:-1])) / square if square else 0.0
    correlation = float(np.clip(correlation + (1 + 3 * correlation) / count, 0, 0.97))
    inflation = (1 + correlation) / (1 - correlation)
    variance = square * count / (count - 1) * inflation / len(rows) ** 2
    return StandardError(float(np.sqrt(variance)), max(1.0, count / inflation - 1))


def _on_logit(value: float, centre: float, error: StandardError, confidence: float) -> tuple[float, float]:
    from scipy.special import expit, logit

    inside = float(np.clip(centre, 1e-6, 1 - 1e-6))
    reach = error.reach(confidence) / (inside * (1 - inside))
    low, high = (float(expit(logit(inside) + step)) for step in (-reach, reach))
    return min(low, value), max(high, value)


def _seen_wrong(
    name: str, label: np.ndarray, value: float, error: StandardError, counting: float
) -> tuple[float, StandardError]:
    """A value and its error; a ROC AUC for which less than one row is ranked wrongly does not show its own variance.

    Then half a row of the rarer class counts as ranked wrongly, and the variance is that of exponential scores (J. A.
    Hanley, B. J. McNeil, The Meaning and Use of the Area under a ROC Curve, Radiology 143, 1982).
    """
    # the mean over several classes hides which one has few rows: only what shows no error at all is taken so
    if name == "roc_auc_ovr" and error.value:
        return value, error
    counts = np.unique(label, return_counts=True)[1]
    if (1 - value) * counts.min() >= 1:
        return value, error
    rare, common = float(counts.min()) * counting, float(len(label) - counts.min()) * counting
    area = (value * rare + 0.5) / (rare + 1)
    one, two = area / (2 - area), 2 * area**2 / (1 + area)
    variance = area * (1 - area) + max(rare - 1, 0) * (one - area**2) + max(common - 1, 0) * (two - area**2)
    least = float(np.sqrt(variance / (rare * common)))
    return area, StandardError(max(error.value, least), max(error.freedom, rare - 1))


def _number(
    name: str, _: np.ndarray, __: np.ndarray, plan: tuple[float, float], found: Influence, dependence: Dependence
) -> tuple[float, float] | None:
    """The ends of a metric that is no share."""
    error = standard_error(found.rows, dependence)
    if error is None:
        return None
    if name == "r2":
        reach = error.reach(plan[1])
        return found.value - reach, found.value + reach
    return _without_skewness(name, found, error, plan[1])


def _share(
    name: str,
    label: np.ndarray,
    score: np.ndarray,
    plan: tuple[float, float],
    found: Influence,
    dependence: Dependence,
) -> tuple[float, float] | None:
    """The ends of a share: by its error, and at least as far apart as few errors allow."""
    threshold, confidence = plan
    error = standard_error(found.rows, dependence)
    if error is None:
        return None
    counting = _counting(found.rows, error, dependence)
    if name in _RANKINGS:
        return _on_logit(found.value, *_seen_wrong(name, label, found.value, error, counting), confidence)
    few = limits(name, label, score, threshold, confidence, counting)
    if few is not None and (name in _COUNTED or not error.value):
        return few.low, few.high
    low, high = _on_logit(found.value, found.value, error, confidence)
    return (low, high) if few is None else (min(low, few.low), max(high, few.high))


def _counting(rows: np.ndarray, error: StandardError, dependence: Dependence) -> float:
    """For how many independent rows one row counts.

    Without an error nothing shows how alike rows are: then a group, or a block of time, counts for one row.
    """
    from scipy.stats import norm, t

    if dependence.order is not None:
        units = min(BLOCKS, len(np.unique(dependence.order)))
    elif dependence.groups is not None:
        units = len(pd.unique(dependence.groups))
    else:
        return 1.0
    alone = standard_error(rows)
    share = (alone.value / error.value) ** 2 if alone is not None and error.value else units / len(rows)
    return min(1.0, share) * float(norm.ppf(0.975) / t.ppf(0.975, max(1, units - 1))) ** 2


def _without_skewness(name: str, found: Influence, error: StandardError, confidence: float) -> tuple[float, float]:
    """Of an error; of RMSE that of the mean of the squared errors, whose ends are then those of RMSE."""
    value, rows, spread = found.value, found.rows, error.value
    if name == "rmse":
        value, rows, spread = found.value**2, found.rows * 2 * found.value, spread * 2 * found.value
    square, count = float(np.mean(rows**2)), len(rows)
    if not square:
        return found.value, found.value
    skewness = float(np.mean(rows**3)) / square**1.5
    reach = StandardError(1.0, error.freedom).reach(confidence) / np.sqrt(count)
    scale = spread * np.sqrt(count)
    low, high = (max(0.0, value - scale * _hall(end, skewness, count)) for end in (reach, -reach))
    return (float(np.sqrt(low)), float(np.sqrt(high))) if name == "rmse" else (float(low), float(high))


def _hall(end: float, skewness: float, count: int) -> float:
    """The inverse of Hall's monotone cubic: what a studentised mean is where the corrected one is ``end``."""
    third = skewness / 3
    if abs(third) < 1e-9:
        return end
    return float((np.cbrt(1 + 3 * third * (end - skewness / (6 * count))) - 1) / third)
