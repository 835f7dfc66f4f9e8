"""The bins of a sample by its deciles, as include/sql/monitoring/baseline.sql makes them of features."""

from typing import Any

import numpy as np

LEAST_ROWS = 10
"""Training rows that a category has at least for a bin of its own, and numbers next to a tied one: the most frequent of
many rare ones are so by luck. With 5 the simulation of docs/drift.md has false alarms in a fifth of the large windows,
with 10 as many as stated."""


def deciles(sample: np.ndarray) -> np.ndarray:
    """Where the bins of a sample begin: at its least value and at its deciles, each of them once.

    A value at which several of these are equal has a bin of its own, if the numbers between it and the next edge are
    at least ``LEAST_ROWS``: a flag that 3 % of the rows have would else be one bin, whose share never changes.

    Args:
        sample: Numbers without NaN, of shape (n,).

    Returns:
        The lower edges in ascending order, of shape (1,) to (10,); a bin includes its lower edge. Empty of an empty
        sample.
    """
    if not len(sample):
        return np.array([], dtype=float)
    points = np.quantile(sample, np.arange(10) / 10, method="inverted_cdf")
    cuts, tied = np.unique(points, return_counts=True)
    after = []
    for place in np.flatnonzero(tied > 1):
        above = sample[sample > cuts[place]]
        between = above[above < cuts[place + 1]] if place + 1 < len(cuts) else above
        if len(between) >= LEAST_ROWS:
            after.append(between.min())
    return np.union1d(cuts, np.array(after, dtype=cuts.dtype))


def score_bins(score: np.ndarray) -> dict[str, Any] | None:
    """The bins of a version's scores of the held-out rows: the baseline of the scores that it serves.

    Args:
        score: Scores as SERVING.SCORED has them, of shape (n,); NaN where the model gave none.

    Returns:
        ``edges`` (the lower edge of each bin), ``counts`` (rows in it), ``highest``, ``missing`` (rows without a
        finite score), ``mean`` and ``deviation``; None if no score is finite.
    """
    finite = score[np.isfinite(score)]
    if not len(finite):
        return None
    edges = deciles(finite)
    counts = np.bincount(np.searchsorted(edges, finite, side="right") - 1, minlength=len(edges))
    return {
        "edges": edges.tolist(),
        "counts": counts.tolist(),
        "highest": float(finite.max()),
        "missing": len(score) - len(finite),
        "mean": float(finite.mean()),
        "deviation": float(finite.std(ddof=1)) if len(finite) > 1 else None,
    }
