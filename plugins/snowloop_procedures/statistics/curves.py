"""Points of the plots of an evaluation: ROC, precision-recall, residuals."""

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
        label: Labels, of shape (n,).
        score: The candidate's scores, of shape (n,) or (n, classes).
        seed: Seed that chooses the rows of a scatter plot.
        classes: The classes of a multiclass label, in order: each has curves against the rest.

    Returns:
        ``classes``, each with ``name``, ``rows``, ``positive``, ``roc`` and ``precision_recall``; or ``residuals`` with
        ``edges``, ``counts``, ``predicted`` and ``residual``; empty if the rows do not allow it.
    """
    if not len(label) or not np.isfinite(score).all():
        return {}
    if task == "regression":
        return {"residuals": residuals(label, score, seed)}
    if task == "classification":
        curves_of = [one_class("1", label == 1, score)]
    else:
        curves_of = [one_class(str(name), label == place, score[:, place]) for place, name in enumerate(classes)]
    whole = [each for each in curves_of if each]
    return {"classes": whole} if whole else {}


def one_class(name: str, true: np.ndarray, score: np.ndarray) -> dict[str, Any] | None:
    """ROC and precision-recall curve of one class against the rest; None if the rows are all of it, or none is.

    Args:
        name: The class.
        true: Whether a row is of the class, of shape (n,).
        score: The scores of the class, of shape (n,).

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
    """Residuals (label - prediction): their distribution, and some rows.

    Args:
        label: Labels, of shape (n,).
        score: Predictions, of shape (n,).
        seed: Seed that chooses the rows.

    Returns:
        ``edges`` and ``counts`` of a histogram of all rows; ``predicted`` and ``residual`` of some rows.
    """
    residual = label - score
    counts, edges = np.histogram(residual, bins=BINS)
    chosen = np.sort(np.random.default_rng(seed % SEEDS).permutation(len(residual))[:MOST_ROWS])
    return {
        "edges": _short(edges),
        "counts": [int(count) for count in counts],
        "predicted": _short(score[chosen]),
        "residual": _short(residual[chosen]),
    }


def _points(x: np.ndarray, y: np.ndarray) -> dict[str, list[float]]:
    """A curve at evenly spread places, its two ends among them."""
    places = np.unique(np.linspace(0, len(x) - 1, min(len(x), MOST_POINTS)).round().astype(int))
    return {"x": _short(x[places]), "y": _short(y[places])}


def _short(values: "np.ndarray | Sequence[float]") -> list[float]:
    return [float(f"{value:.5g}") for value in values]
