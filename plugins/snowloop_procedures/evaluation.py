"""Handler of the evaluation procedure: measures a version on the held-out rows, inside Snowflake."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cloudpickle
import numpy as np
import pandas as pd
from snowflake.snowpark import Session

from snowloop_procedures.checks import leakage, performance, robustness, skew
from snowloop_procedures.requests import (
    ComparisonRequest,
    EvaluationRequest,
    LeakageRequest,
    NewerRows,
    PerformanceRequest,
    ServedRequest,
)
from snowloop_procedures.statistics import baselines, comparison, curves, fairness, intervals
from snowloop_procedures.statistics import details as parts
from snowloop_procedures.statistics import metrics as measures
from snowloop_procedures.statistics.deciles import score_bins

RIVALS = ("champion", "reference")
"""Versions that are measured only on rows that they were not trained on."""


def run(session: Session, request: str) -> str:
    """Do what a request asks for.

    Args:
        session: The procedure's session.
        request: One of the requests below as JSON, distinguished by ``do``.

    Returns:
        The outcome as a JSON object.

    Raises:
        KeyError: if it is none of these.
        TypeError: if the request lacks a field.
    """
    from threadpoolctl import threadpool_limits

    values = json.loads(request)
    handlers: dict[str, Callable[[], dict[str, Any]]] = {
        EvaluationRequest.do: lambda: evaluate(session, EvaluationRequest.from_dict(values)),
        ServedRequest.do: lambda: ask_served(session, ServedRequest.from_dict(values)),
        ComparisonRequest.do: lambda: comparison.compare(session, ComparisonRequest.from_dict(values)),
        PerformanceRequest.do: lambda: performance.measure(session, PerformanceRequest.from_dict(values)),
        LeakageRequest.do: lambda: leakage.measure(session, LeakageRequest.from_dict(values)),
    }
    with threadpool_limits(1):  # many small predictions: threads would cost more than they bring
        return json.dumps(handlers[values["do"]]())


def evaluate(session: Session, request: EvaluationRequest) -> dict[str, Any]:
    """Measure a candidate, its rivals and two baselines on the same rows; versions by the way in which they serve.

    Args:
        session: The procedure's session.
        request: The queries of rows and scores, the plan, and the candidate's version.

    Returns:
        ``metrics`` by whose they are, ``interval``, ``differences``, and the parts of the evaluation. Rows that
        champion or reference were trained on do not judge it: ``trained`` are so many, by rival, and the metrics
        ``on champion rows`` and ``on reference rows`` are the candidate's without them. ``newer`` is None, or what rows
        say that arrived since the candidate was trained.
    """
    task, plan = request.task, request.plan
    frame = session.sql(request.held_out).to_pandas()
    label = measures.encode_labels(frame[request.label], request.classes)
    started = time.perf_counter()
    columns = {"candidate": _served(session, request.candidate_scores, request)}
    by_sql = 1000 * (time.perf_counter() - started) / max(1, len(frame))
    rivals = dict(zip(RIVALS, (request.champion_scores, request.reference_scores), strict=True))
    columns |= {name: _served(session, query, request) for name, query in rivals.items() if query is not None}
    columns |= baselines.baselines(session.sql(request.training).to_pandas(), frame, request)
    trained = {name: _trained(frame, name) for name in RIVALS}
    measured = _metrics(request, label, columns, trained)
    dependence = _dependence(frame)
    if "SNOWLOOP_GROUP" in frame:
        measured["candidate"]["groups"] = float(frame["SNOWLOOP_GROUP"].nunique(dropna=False))
    model = _load(session, request)
    rows = measures.inputs(frame, request.features)
    return {
        "metrics": measured,
        "rows": len(frame),
        "trained": {name: int(rows.sum()) for name, rows in trained.items()},
        **_intervals(request, label, columns, trained, dependence),
        "slices": parts.slices(request, frame, label, columns["candidate"], dependence),
        "fairness": fairness.fairness(request, frame, label, columns, trained["champion"], dependence),
        "calibration": parts.calibration(task, label, columns["candidate"]),
        "curves": curves.curves(task, label, columns["candidate"], request.seed, request.classes),
        "confusion": parts.confusion(task, label, columns["candidate"], plan.threshold),
        "classes": parts.each_class(request.classes, label, columns["candidate"]),
        "importance": parts.importance(request, model, rows, label),
        "newer": _newer(session, request, request.newer) if request.newer else None,
        "score_bins": score_bins(measures.served_score(columns["candidate"])),
        **_asked(session, request, model),
        "cost": {**_cost(model, rows, task), "milliseconds_per_row_by_sql": by_sql},
    }


def ask_served(session: Session, request: ServedRequest) -> dict[str, Any]:
    """Ask a version as it is served, where it was not trained.

    Args:
        session: The procedure's session.
        request: The rows, and the version.

    Returns:
        ``skew`` and ``robustness``, the latter None if no row could be changed.
    """
    return _asked(session, request, _load(session, request))


def _asked(session: Session, request: ServedRequest, model: Any) -> dict[str, Any]:
    return {
        "skew": skew.skew(session, request, model),
        "robustness": robustness.robustness(session, request, request.probing) if request.probing else None,
    }


def _served(session: Session, query: str, request: EvaluationRequest) -> np.ndarray:
    return measures.served(session.sql(query).to_pandas(), "SCORE", request.classes)


def _trained(frame: pd.DataFrame, rival: str) -> np.ndarray:
    """Whether a rival was trained on a row, of shape (n,)."""
    column = f"SNOWLOOP_TRAINED_{rival.upper()}"
    return frame[column].astype(bool).to_numpy() if column in frame else np.zeros(len(frame), dtype=bool)


def _metrics(
    request: EvaluationRequest, label: np.ndarray, columns: dict[str, np.ndarray], trained: dict[str, np.ndarray]
) -> dict[str, dict[str, float]]:
    """Metrics by whose they are: a rival's on rows that it was not trained on, and the candidate's on the same."""
    rows, scores = dict.fromkeys(columns, np.ones(len(label), dtype=bool)), dict(columns)
    for name, by_rival in trained.items():
        rows[name] = rows[f"on {name} rows"] = ~by_rival
        if by_rival.any():
            scores[f"on {name} rows"] = columns["candidate"]
    threshold = request.plan.threshold
    return {
        name: measures.measure(request.task, label[rows[name]], score[rows[name]], threshold)
        for name, score in scores.items()
    }


def _intervals(
    request: EvaluationRequest,
    label: np.ndarray,
    columns: dict[str, np.ndarray],
    trained: dict[str, np.ndarray],
    dependence: intervals.Dependence,
) -> dict[str, Any]:
    """The candidate's interval, and how much better than rivals and baselines it is, with paired intervals."""
    name, threshold, confidence = request.metric, request.plan.threshold, request.plan.confidence
    candidate, differences = columns["candidate"], {}
    for other in sorted(columns.keys() - {"candidate"}):
        rows = ~trained[other] if other in trained else np.ones(len(label), dtype=bool)
        differences[other] = intervals.difference(
            name,
            label[rows],
            candidate[rows],
            columns[other][rows],
            (threshold, confidence),
            higher_is_better=request.higher_is_better,
            dependence=dependence.of(rows),
        )
    return {
        "interval": intervals.interval(name, label, candidate, threshold, confidence, dependence),
        "differences": {other: found for other, found in differences.items() if found},
    }


def _dependence(frame: pd.DataFrame) -> intervals.Dependence:
    return intervals.Dependence(
        *(frame[column].to_numpy() if column in frame else None for column in ("SNOWLOOP_GROUP", "SNOWLOOP_ORDER"))
    )


def _newer(session: Session, request: EvaluationRequest, newer: NewerRows) -> dict[str, Any]:
    """Candidate and champion on the rows that arrived since the candidate was trained.

    Returns:
        ``rows``, ``support``, the candidate's ``value`` and ``interval``, the ``champion``'s value on the rows that it
        was not trained on, and the paired ``difference`` there; None is what the rows do not allow.
    """
    frame, plan = session.sql(newer.held_out).to_pandas(), request.plan
    label = measures.encode_labels(frame[request.label], request.classes)
    if not len(frame):
        return {"rows": 0, "support": 0, **dict.fromkeys(("value", "interval", "champion", "difference"))}
    own, its = _served(session, newer.candidate_scores, request), None
    columns, trained = {"candidate": own}, {"champion": _trained(frame, "champion")}
    if newer.champion_scores is not None:
        columns["champion"] = _served(session, newer.champion_scores, request)
        rows = ~trained["champion"]
        its = measures.value(request.metric, label[rows], columns["champion"][rows], plan.threshold)
    known = _intervals(request, label, columns, trained, _dependence(frame))
    return {
        "rows": len(frame),
        "support": measures.support(request.task, label, own),
        "value": measures.value(request.metric, label, own, plan.threshold),
        "interval": known["interval"],
        "champion": its,
        "difference": known["differences"].get("champion"),
    }


def _load(session: Session, request: ServedRequest) -> Any:
    from snowflake.ml.registry import Registry

    where = request.version
    registry = Registry(session=session, database_name=where.database, schema_name=where.schema)
    return registry.get_model(where.model).version(where.version).load(force=True)


def _bytes(model: Any) -> int:
    """Size of the pickled model; a custom model is pickled without the models and files of its context."""
    context = getattr(model, "context", None)
    inner = [reference.model for reference in getattr(context, "model_refs", {}).values()]
    files = sum(Path(file).stat().st_size for file in getattr(context, "artifacts", {}).values())
    return sum(len(cloudpickle.dumps(each)) for each in (model, *inner)) + files


def _cost(model: Any, rows: pd.DataFrame, task: str) -> dict[str, float]:
    """Size of the pickled model, and the time that it takes for a row when it gets a thousand of them."""
    sample, times = rows.head(1000), []
    for _ in range(3 if len(sample) else 0):
        started = time.perf_counter()
        measures.scores(model, sample, task)
        times.append(1000 * (time.perf_counter() - started) / len(sample))
    cost: dict[str, float] = {"model_bytes": _bytes(model)}
    return cost | ({"milliseconds_per_row": min(times)} if times else {})
