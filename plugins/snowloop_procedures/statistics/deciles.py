"""The bins of a sample by its deciles, as include/sql/monitoring/baseline.sql makes them of features."""

from typing import Any

import numpy as np


def deciles(sample: np.ndarray) -> np.ndarray:
    """Where the bins of a sample begin: at its least value and at its deciles, each of them once.

    Args:
        sample: Numbers without NaN, of shape (n,).

    Returns:
        The lower edges in ascending order, of shape (1,) to (10,); a bin includes its lower edge. Empty of an empty
        sample.
    """
    if not len(sample):
        return np.array([], dtype=float)
    cuts = np.quantile(sample, np.linspace(0, 0.9, 10), method="inverted_cdf")
    return np.unique(np.concatenate([[sample.min()], cuts]))


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
