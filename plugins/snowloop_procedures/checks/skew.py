"""The same rows by the serving path and by Python: how far the scores are apart, and in which kind of row."""

from typing import Any

import numpy as np
import pandas as pd
from snowflake.snowpark import Session

from snowloop_procedures.requests import ServedRequest
from snowloop_procedures.statistics import metrics as measures

RARE = 0.01
"""A text that fewer of the training rows have is rare."""
MOST_KINDS = 3


def skew(session: Session, request: ServedRequest, model: Any) -> dict[str, Any]:
    """Compare scores as they are served with those by Python from the training set's features.

    Args:
        session: The procedure's session.
        request: Its ``skew`` reads the rows, of which some have a NULL, a rare or an unseen text in each feature.
        model: The fitted model.

    Returns:
        As ``compare``.
    """
    frame = session.sql(request.skew).to_pandas()
    served = measures.served(frame, "SNOWLOOP_SCORE", request.classes)
    expected = measures.scores(model, measures.inputs(frame, request.features), request.task)
    return compare(frame, served, expected, request)


def compare(frame: pd.DataFrame, served: np.ndarray, expected: np.ndarray, request: ServedRequest) -> dict[str, Any]:
    """Compare two scores of each row.

    Args:
        frame: The features of n rows, and SNOWLOOP_SHARE_<place>: which share of the training rows has the row's text.
        served: Scores by the serving path, of shape (n,) or (n, classes).
        expected: Scores by Python, of the same shape.
        request: The features and the tolerance.

    Returns:
        ``rows``; ``unserved``: rows that have no score on one of the sides; ``max_difference``, None if there are such,
        and ``score``: the one expected there; ``kinds`` of rows that differ too much, the most telling first, and
        ``others``: the greatest difference of all other rows.
    """
    apart, scores = measures.difference(served, expected, request.tolerance)
    exceeded = request.tolerance.exceeded(apart, scores)
    missing = ~np.isfinite(exceeded)
    kinds, others = _kinds(_masks(frame, request), missing | (exceeded > 0), apart)
    found: dict[str, Any] = {"rows": len(frame), "unserved": int(missing.sum()), "kinds": kinds, "others": others}
    if missing.any() or not len(frame):
        return {**found, "max_difference": None, "score": None}
    worst = int(np.argmax(exceeded))
    return {**found, "max_difference": float(apart[worst]), "score": float(scores[worst])}


def _masks(frame: pd.DataFrame, request: ServedRequest) -> dict[tuple[str, str], np.ndarray]:
    """Which rows are of a kind, by feature and kind."""
    masks = {}
    for place, feature in enumerate(request.features):
        null = frame[feature.name].isna().to_numpy()
        masks[feature.name, "NULL"] = null
        if f"SNOWLOOP_SHARE_{place}" in frame:
            share = frame[f"SNOWLOOP_SHARE_{place}"].astype(float).to_numpy()
            masks[feature.name, "unseen in training"] = ~null & (share == 0)
            masks[feature.name, "rare"] = ~null & (share > 0) & (share < RARE)
    return {name: mask for name, mask in masks.items() if mask.any()}


def _kinds(
    masks: dict[tuple[str, str], np.ndarray], differs: np.ndarray, apart: np.ndarray
) -> tuple[list[dict[str, Any]], float | None]:
    """The kinds of rows that differ, and the greatest difference of all other rows.

    One after the other, the kind that agrees best with what is left of the rows that differ (by F1). It must differ in
    most of its rows, and twice as often as all rows: otherwise the difference is not of its kind.
    """
    kinds = list[dict[str, Any]]()
    left = np.ones(len(apart), dtype=bool)
    while masks and (differs & left).any() and len(kinds) < MOST_KINDS:
        wanted = differs & left
        name = max(masks, key=lambda each: _agreement(masks[each] & left, wanted))
        rows = masks.pop(name) & left
        hits = int((rows & wanted).sum())
        if hits < max(1, rows.sum() / 2, 2 * rows.sum() * wanted.sum() / left.sum()):
            break
        feature, kind = name
        greatest = _greatest(apart[rows])
        kinds.append(
            {"feature": feature, "kind": kind, "rows": int(rows.sum()), "differ": hits, "max_difference": greatest}
        )
        left &= ~rows
    return kinds, _greatest(apart[left])


def _agreement(rows: np.ndarray, wanted: np.ndarray) -> float:
    both = int((rows & wanted).sum())
    return 2 * both / max(1, int(rows.sum() + wanted.sum()))


def _greatest(apart: np.ndarray) -> float | None:
    finite = apart[np.isfinite(apart)]
    return float(finite.max()) if len(finite) else None
