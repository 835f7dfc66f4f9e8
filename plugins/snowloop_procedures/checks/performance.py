"""Measures scores that were served, where the label is known by now: by window of time and by version."""

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from snowloop_procedures.statistics import details, estimates, intervals
from snowloop_procedures.statistics import metrics as measures

if TYPE_CHECKING:
    from snowflake.snowpark import Session

    from snowloop_procedures.requests import PerformanceRequest


def measure(session: "Session", request: "PerformanceRequest") -> dict[str, Any]:
    """Measure each window of each version, and its slices.

    Args:
        session: The procedure's session.
        request: The query of the labelled rows, and how they are measured.

    Returns:
        ``windows``: of each its ``start`` and ``version``, ``rows``, ``support``, ``interval`` (None if the rows do not
        allow it), ``calibration``, and ``slices`` with column, part, rows, support and interval. ``estimates``: of each
        its ``start``, ``version`` and ``value``, which is None if the scores do not allow it.
    """
    frame = session.sql(request.query).to_pandas()
    windows = []
    for (start, version), rows in frame.groupby(["WINDOW_START", "MODEL_VERSION"], sort=True):
        label = measures.encode_labels(rows["LABEL"], request.classes)
        score = measures.served(rows, "SCORE", request.classes)
        windows.append(
            {
                "start": str(start),
                "version": str(version),
                **_measured(request, rows, label, score),
                "calibration": details.calibration(request.task, label, score),
                "slices": _slices(request, rows, label, score),
            }
        )
    return {"windows": windows, "estimates": _estimates(session, request)}


def _estimates(session: "Session", request: "PerformanceRequest") -> list[dict[str, Any]]:
    """What the metric is expected to be of all rows, with or without a label."""
    if not request.scored:
        return []
    frame = session.sql(request.scored).to_pandas()
    return [
        {
            "start": str(start),
            "version": str(version),
            "value": estimates.expected(
                request.metric, measures.served(rows, "SCORE", request.classes), request.plan.threshold
            ),
        }
        for (start, version), rows in frame.groupby(["WINDOW_START", "MODEL_VERSION"], sort=True)
    ]


def _measured(
    request: "PerformanceRequest", rows: pd.DataFrame, label: np.ndarray, score: np.ndarray
) -> dict[str, Any]:
    """Rows, support and interval; where a row is no group or place in time, each is one by itself."""
    dependence = intervals.Dependence(
        *(rows[column].to_numpy() if column in rows else None for column in ("SNOWLOOP_GROUP", "SNOWLOOP_ORDER"))
    )
    plan = request.plan
    value = measures.value(request.metric, label, score, plan.threshold)
    known = None
    if value is not None:
        known = intervals.interval(request.metric, label, score, plan.threshold, plan.confidence, dependence)
    return {
        "rows": len(rows),
        "support": int(measures.measure(request.task, label, score, plan.threshold)["support"]),
        "value": value,
        "interval": known,
    }


def _slices(
    request: "PerformanceRequest", rows: pd.DataFrame, label: np.ndarray, score: np.ndarray
) -> list[dict[str, Any]]:
    found = []
    for place, declared in enumerate(request.slices):
        named = details.slice_parts(rows[f"SLICE_{place}"], declared.edges)
        for part in sorted(named.unique()):
            inside = (named == part).to_numpy()
            measured = _measured(request, rows[inside], label[inside], score[inside])
            found.append({"column": declared.column, "part": str(part), **measured})
    return found
