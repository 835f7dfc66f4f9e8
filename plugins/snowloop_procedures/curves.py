"""Points of the plots that tell how good scores are: ROC, precision-recall, residuals; staged beside its handler."""

from collections.abc import Sequence
from typing import Any

import numpy as np

MOST_POINTS = 120
MOST_ROWS = 300
BINS = 24
SEEDS = 2**32


def curves(
    task: str, label: np.ndarray, score: np.ndarray, seed: int, classes: Sequence[int | str] = ()
) -> dict[str, Any]:
    """The points of a candidate's plots.

    Args:
        task: ``classification``, ``multiclass`` or ``regression``.
        label: What was true.
        score: The candidate's scores.
        seed: Seed that chooses the rows of a scatter plot.
        classes: The classes of a multiclass label, in order: each is told from all others.

    Returns:
        ``classes``, each with ``name``, ``rows``, ``positive``, ``roc`` and ``precision_recall``; or ``residuals`` with
        ``edges``, ``counts``, ``predicted`` and ``residual``; empty if the rows do not allow it.
    """
    if not len(label) or not np.isfinite(score).all():
        return {}
    if task == "regression":
        return {"residuals": residuals(label, score, seed)}
    if task == "classification":
        found = [one_class("1", label == 1, score)]
    else:
        found = [one_class(str(name), label == place, score[:, place]) for place, name in enumerate(classes)]
    whole = [each for each in found if each]
    return {"classes": whole} if whole else {}


def one_class(name: str, true: np.ndarray, score: np.ndarray) -> dict[str, Any] | None:
    """ROC and precision-recall curve of one class against the rest; None if the rows are all of it, or none is.

    Args:
        name: The class.
        true: Whether a row is of the class.
        score: The scores of the class.

    Returns:
        The curves, each as a list of ``x`` and one of ``y``, thinned to what a plot can show.
    """
    from sklearn.metrics import precision_recall_curve, roc_curve

    if true.all() or not true.any():
        return None
    false_rate, true_rate, _ = roc_curve(true, score)
    precision, recall, _ = precision_recall_curve(true, score)
    return {
        "name": name,
        "rows": len(true),
        "positive": int(true.sum()),
        "roc": _points(false_rate, true_rate),
        "precision_recall": _points(recall[::-1], precision[::-1]),
    }


def residuals(label: np.ndarray, score: np.ndarray, seed: int) -> dict[str, Any]:
    """What is left of the labels when the predictions are taken off: its distribution, and some rows.

    Args:
        label: What was true.
        score: What was predicted.
        seed: Seed that chooses the rows.

    Returns:
        ``edges`` and ``counts`` of a histogram of all rows; ``predicted`` and ``residual`` of some rows.
    """
    left = label - score
    counts, edges = np.histogram(left, bins=BINS)
    chosen = np.sort(np.random.default_rng(seed % SEEDS).permutation(len(left))[:MOST_ROWS])
    return {
        "edges": _short(edges),
        "counts": [int(count) for count in counts],
        "predicted": _short(score[chosen]),
        "residual": _short(left[chosen]),
    }


def _points(x: np.ndarray, y: np.ndarray) -> dict[str, list[float]]:
    """A curve at evenly spread places, its two ends among them."""
    places = np.unique(np.linspace(0, len(x) - 1, min(len(x), MOST_POINTS)).round().astype(int))
    return {"x": _short(x[places]), "y": _short(y[places])}


def _short(values: "np.ndarray | Sequence[float]") -> list[float]:
    return [float(f"{value:.5g}") for value in values]
