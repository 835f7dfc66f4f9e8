"""Compares the scores of champion and challenger on rows that they served."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from snowflake.snowpark import Session

from snowloop_procedures.requests import ComparisonRequest
from snowloop_procedures.statistics import intervals
from snowloop_procedures.statistics import metrics as measures
from snowloop_procedures.statistics.deciles import deciles

SIDES = ("champion", "challenger")
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)


def compare(session: Session, request: ComparisonRequest) -> dict[str, Any]:
    """Compare two versions on rows that both scored (``paired``), or that were shared out between them.

    Args:
        session: The procedure's session.
        request: The query of scores and labels, and how to compare them.

    Returns:
        ``rows``, ``labelled`` and ``scores`` by side; ``psi``, ``ks``, ``agreement``, ``metrics`` and ``difference``.
    """
    rows, classes = session.sql(request.query).collect(), request.classes
    columns = {side: _scores(rows, side.upper(), classes) for side in SIDES}
    label = _labels(rows, classes)
    highest = {side: measures.served_score(score) for side, score in columns.items()}
    scored = {side: score[np.isfinite(score)] for side, score in highest.items()}
    threshold = request.plan.threshold
    both = all(len(score) for score in scored.values())
    agreement = None
    if request.task != "regression" and request.paired and both:
        champion, challenger = (measures.predicted_class(columns[side], threshold) for side in SIDES)
        agreement = float(np.mean(champion == challenger))
    positive_from = threshold if request.task == "classification" else None
    return {
        "rows": {side: len(score) for side, score in scored.items()},
        "scores": {side: _distribution(score, positive_from) for side, score in scored.items() if len(score)},
        "psi": stability(scored["champion"], scored["challenger"]) if both else None,
        "ks": _distance(scored["champion"], scored["challenger"]) if both else None,
        "agreement": agreement,
        **_metrics(request, columns, label, _dependence(rows)),
    }


def _scores(rows: Sequence[Any], side: str, classes: Sequence[int | str]) -> np.ndarray:
    """Scores of n rows, of shape (n,) or (n, classes); NaN where the other side served."""
    names = [f"{side}_{place}" for place in range(len(classes))] if classes else [side]
    scores = np.array([[row[name] for name in names] for row in rows], dtype=float).reshape(len(rows), len(names))
    return scores if classes else scores[:, 0]


def _labels(rows: Sequence[Any], classes: Sequence[int | str]) -> np.ndarray:
    """Labels, of shape (n,): of several classes the position of the class; NaN where it is not known yet."""
    places = {str(each): place for place, each in enumerate(classes)}
    return np.array([places.get(str(row["LABEL"])) if classes else row["LABEL"] for row in rows], dtype=float)


def _dependence(rows: Sequence[Any]) -> intervals.Dependence:
    """Which rows are not independent, as the gate takes them."""
    named = rows[0].as_dict() if rows else {}
    return intervals.Dependence(
        *(
            np.array([row[column] for row in rows], dtype=kind) if column in named else None
            for column, kind in (("SNOWLOOP_GROUP", object), ("SNOWLOOP_ORDER", float))
        )
    )


def _distribution(score: np.ndarray, threshold: float | None) -> dict[str, Any]:
    quantiles = {str(part): float(value) for part, value in zip(QUANTILES, np.quantile(score, QUANTILES), strict=True)}
    positive = None if threshold is None else float(np.mean(score >= threshold))
    return {"mean": float(score.mean()), "std": float(score.std()), "quantiles": quantiles, "positive": positive}


def stability(expected: np.ndarray, actual: np.ndarray) -> float:
    """The population stability index of two samples, over the bins of the first and what is outside of them.

    B. Yurdakul, Statistical Properties of Population Stability Index, Western Michigan University 2018: the sum over
    bins of (a - e) ln(a / e). Half a row is added to each bin, so that an empty one does not make it infinite. The
    bins are those of ``deciles``; scores below and above all of the champion's have bins of their own, so that two
    constants that differ, or a rare score that becomes frequent, are a change.

    Args:
        expected: Scores of the champion, of shape (n,).
        actual: Scores of the challenger, of shape (m,).

    Returns:
        0 for equal shares in all bins; above 0.25 is usually called a great change.
    """
    edges = np.append(deciles(expected), np.nextafter(expected.max(), np.inf))
    e, a = (_shares(sample, edges) for sample in (expected, actual))
    return float(np.sum((a - e) * np.log(a / e)))


def _shares(sample: np.ndarray, edges: np.ndarray) -> np.ndarray:
    counts = np.bincount(np.searchsorted(edges, sample, side="right"), minlength=len(edges) + 1) + 0.5
    return np.asarray(counts / counts.sum())


def _distance(champion: np.ndarray, challenger: np.ndarray) -> float:
    """The Kolmogorov-Smirnov statistic: the greatest distance of the two empirical distributions."""
    from scipy.stats import ks_2samp

    return float(ks_2samp(champion, challenger, method="asymp").statistic)


def _metrics(
    request: ComparisonRequest, columns: dict[str, np.ndarray], label: np.ndarray, dependence: intervals.Dependence
) -> dict[str, Any]:
    """The deciding metric of both on labelled rows; the difference is paired where the rows are the same."""
    name, threshold, confidence = request.metric, request.plan.threshold, request.plan.confidence
    known = label if request.task == "regression" else np.nan_to_num(label, nan=-1).astype(int)
    used = {side: np.isfinite(label) & np.isfinite(measures.served_score(score)) for side, score in columns.items()}
    found = {
        side: intervals.interval(name, known[rows], columns[side][rows], threshold, confidence, dependence.of(rows))
        for side, rows in used.items()
    }
    if request.paired:
        both = used["champion"] & used["challenger"]
        difference = intervals.difference(
            name,
            known[both],
            columns["challenger"][both],
            columns["champion"][both],
            (threshold, confidence),
            higher_is_better=request.higher_is_better,
            dependence=dependence.of(both),
        )
    else:
        difference = intervals.unpaired_difference(
            found["challenger"], found["champion"], higher_is_better=request.higher_is_better
        )
    return {
        "labelled": {side: int(rows.sum()) for side, rows in used.items()},
        "metrics": {side: each for side, each in found.items() if each},
        "difference": difference,
    }
