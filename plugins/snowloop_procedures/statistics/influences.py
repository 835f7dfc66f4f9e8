"""By how much each row moves a metric, to first order (F. R. Hampel, JASA 69, 1974); intervals are made of that.

Labels and scores have the shapes that ``snowloop_procedures.statistics.metrics`` describes.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from snowloop_procedures.statistics import metrics


@dataclass(frozen=True)
class Influence:
    """A metric, and by how much each row moves it.

    Args:
        value: The metric.
        rows: Influence of each row, of shape (n,), in units of the metric; the mean is 0.
    """

    value: float
    rows: np.ndarray


def influence(name: str, label: np.ndarray, score: np.ndarray, threshold: float = 0.5) -> Influence | None:
    """A metric with the influence of each row; None if the rows do not allow the metric, as ``metrics.value``."""
    value = metrics.value(name, label, score, threshold) if len(label) > 1 else None
    if value is None:
        return None
    rows = _INFLUENCES[name](label, score, threshold, value)
    return Influence(value, rows) if np.isfinite(rows).all() else None


def _roc_auc(label: np.ndarray, score: np.ndarray, *_: float) -> np.ndarray:
    """The placements of positives among negatives and of negatives among positives, about their mean."""
    from scipy.stats import rankdata

    positive = label == 1
    ones, zeros = int(positive.sum()), int((~positive).sum())
    ranks = rankdata(score)
    placed = np.empty(len(label))
    placed[positive] = (ranks[positive] - rankdata(score[positive])) / zeros
    placed[~positive] = 1 - (ranks[~positive] - rankdata(score[~positive])) / ones
    placed -= placed[positive].mean()
    for rows, count in ((positive, ones), (~positive, zeros)):
        placed[rows] *= len(label) / count * np.sqrt(count / max(count - 1, 1))
    return placed


def _roc_auc_ovr(label: np.ndarray, score: np.ndarray, *_: float) -> np.ndarray:
    each = [_roc_auc((label == place).astype(int), column) for place, column in enumerate(score.T)]
    return np.asarray(np.mean(each, axis=0))


def _average_precision(label: np.ndarray, score: np.ndarray, _: float, value: float) -> np.ndarray:
    """A row moves the precision at each positive that does not score above it, and a positive adds its own."""
    placed = np.argsort(-score, kind="stable")
    falling, true = -score[placed], (label[placed] == 1).astype(float)
    above = np.searchsorted(falling, falling, side="right")
    precision = np.cumsum(true)[above - 1] / above
    first = np.searchsorted(falling, falling, side="left")

    def below(weights: np.ndarray) -> np.ndarray:
        sums = np.concatenate([[0.0], np.cumsum(weights)])
        return np.asarray(sums[-1] - sums[first])

    moved = true * below(true / above) - below(true * precision / above)
    rows = np.empty(len(label))
    rows[placed] = len(label) / true.sum() * (true * (precision - value) + moved)
    return rows - rows.mean()


def _f1(label: np.ndarray, score: np.ndarray, threshold: float, value: float) -> np.ndarray:
    return _f1_of((label == 1).astype(float), (score >= threshold).astype(float), value)


def _f1_of(true: np.ndarray, predicted: np.ndarray, value: float) -> np.ndarray:
    both = true.mean() + predicted.mean()
    rows = (2 * true * predicted - value * (true + predicted)) / both if both else np.zeros(len(true))
    return np.asarray(rows)


def _f1_macro(label: np.ndarray, score: np.ndarray, *_: float) -> np.ndarray:
    predicted = metrics.predicted_class(score)
    rows = []
    for place in np.union1d(label, predicted):
        true, hit = (label == place).astype(float), (predicted == place).astype(float)
        rows.append(_f1_of(true, hit, 2 * float(np.mean(true * hit)) / (true.mean() + hit.mean())))
    return np.asarray(np.mean(rows, axis=0))


def _balanced_accuracy(label: np.ndarray, score: np.ndarray, *_: float) -> np.ndarray:
    right = metrics.predicted_class(score) == label
    classes = [label == place for place in np.unique(label)]
    return np.asarray(np.mean([rows / rows.mean() * (right - right[rows].mean()) for rows in classes], axis=0))


def _r2(label: np.ndarray, score: np.ndarray, _: float, value: float) -> np.ndarray:
    spread = (label - label.mean()) ** 2
    return np.asarray(((1 - value) * spread - (label - score) ** 2) / spread.mean())


def _rmse(label: np.ndarray, score: np.ndarray, _: float, value: float) -> np.ndarray:
    return np.asarray(((label - score) ** 2 - value**2) / (2 * value)) if value else np.zeros(len(label))


def _log_losses(label: np.ndarray, score: np.ndarray, *_: float) -> np.ndarray:
    """As of scikit-learn: probabilities are kept away from 0 and 1 by the least step of their type."""
    several = score if score.ndim > 1 else np.column_stack([1 - score, score])
    least = np.finfo(several.dtype).eps
    clipped = np.clip(several, least, 1 - least)
    return np.asarray(-np.log(clipped[np.arange(len(label)), label.astype(int)] / clipped.sum(axis=1)))


def _centred(losses: Callable[..., np.ndarray]) -> Callable[..., np.ndarray]:
    """The influences of a mean of losses."""

    def rows(label: np.ndarray, score: np.ndarray, threshold: float, value: float) -> np.ndarray:
        each = losses(label, score, threshold)
        return np.asarray(each - each.mean())

    return rows


_INFLUENCES: dict[str, Callable[..., np.ndarray]] = {
    "roc_auc": _roc_auc,
    "roc_auc_ovr": _roc_auc_ovr,
    "average_precision": _average_precision,
    "f1": _f1,
    "f1_macro": _f1_macro,
    "balanced_accuracy": _balanced_accuracy,
    "r2": _r2,
    "rmse": _rmse,
    "accuracy": _centred(lambda label, score, t: (metrics.predicted_class(score, t) == label).astype(float)),
    "log_loss": _centred(_log_losses),
    "brier": _centred(lambda label, score, _: (label - score) ** 2),
    "mae": _centred(lambda label, score, _: np.abs(label - score)),
}
