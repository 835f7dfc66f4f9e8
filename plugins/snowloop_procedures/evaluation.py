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

from snowloop_procedures import comparison, curves, leakage
from snowloop_procedures import details as parts
from snowloop_procedures import metrics as measures
from snowloop_procedures.requests import ComparisonRequest, EvaluationRequest, LeakageRequest

ON_CHAMPION_ROWS = "on champion rows"


def run(session: Session, request: str) -> str:
    """Do what a request asks for.

    Args:
        session: The procedure's session.
        request: An ``EvaluationRequest``, ``ComparisonRequest`` or ``LeakageRequest`` as JSON, distinguished by ``do``.

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
        ComparisonRequest.do: lambda: comparison.compare(session, ComparisonRequest.from_dict(values)),
        LeakageRequest.do: lambda: leakage.single_features(session, LeakageRequest.from_dict(values)),
    }
    with threadpool_limits(1):  # many small predictions: threads would cost more than they bring
        return json.dumps(handlers[values["do"]]())


def evaluate(session: Session, request: EvaluationRequest) -> dict[str, Any]:
    """Measure a candidate, the champion and two baselines on the same rows; versions by the way in which they serve.

    Args:
        session: The procedure's session.
        request: The queries of rows and scores, the plan, and the candidate's version.

    Returns:
        ``metrics`` by whose they are, ``interval``, ``differences``, and the parts of the evaluation. Rows that the
        champion was trained on do not judge it: ``trained_champion`` of them are left out, and the metrics
        ``on champion rows`` are the candidate's without them.
    """
    task, plan = request.task, request.plan
    frame = session.sql(request.held_out).to_pandas()
    label = measures.encode_labels(frame[request.label], request.classes)
    started = time.perf_counter()
    columns = {"candidate": _served(session, request.candidate_scores, request)}
    by_sql = 1000 * (time.perf_counter() - started) / max(1, len(frame))
    if request.champion_scores is not None:
        columns["champion"] = _served(session, request.champion_scores, request)
    columns |= parts.baselines(session.sql(request.training).to_pandas(), frame, request)
    trained = _trained_champion(frame)
    measured = _metrics(request, label, columns, trained)
    model = _load(session, request)
    rows = measures.inputs(frame, request.features)
    return {
        "metrics": measured,
        "rows": len(frame),
        "trained_champion": int(trained.sum()),
        **_intervals(request, frame, label, columns, measured),
        "slices": parts.slices(request, frame, label, columns["candidate"]),
        "calibration": parts.calibration(task, label, columns["candidate"]),
        "curves": curves.curves(task, label, columns["candidate"], request.seed, request.classes),
        "confusion": parts.confusion(task, label, columns["candidate"], plan.threshold),
        "classes": parts.each_class(request.classes, label, columns["candidate"]),
        "importance": parts.importance(request, model, rows, label),
        "skew": _skew(session, request, model),
        "cost": {**_cost(model, rows, task), "milliseconds_per_row_by_sql": by_sql},
    }


def _served(session: Session, query: str, request: EvaluationRequest) -> np.ndarray:
    return measures.served(session.sql(query).to_pandas(), "SCORE", request.classes)


def _trained_champion(frame: pd.DataFrame) -> np.ndarray:
    """Whether the champion was trained on a row, of shape (n,)."""
    if "SNOWLOOP_TRAINED_CHAMPION" not in frame:
        return np.zeros(len(frame), dtype=bool)
    return frame["SNOWLOOP_TRAINED_CHAMPION"].astype(bool).to_numpy()


def _metrics(
    request: EvaluationRequest, label: np.ndarray, columns: dict[str, np.ndarray], trained: np.ndarray
) -> dict[str, dict[str, float]]:
    """Metrics by whose they are: the champion's on rows that it was not trained on, and the candidate's on the same."""
    everywhere, others = np.ones(len(label), dtype=bool), ~trained
    rows = dict.fromkeys(columns, everywhere) | {"champion": others, ON_CHAMPION_ROWS: others}
    scores = {**columns, ON_CHAMPION_ROWS: columns["candidate"]} if trained.any() else columns
    threshold = request.plan.threshold
    return {
        name: measures.measure(request.task, label[rows[name]], score[rows[name]], threshold)
        for name, score in scores.items()
    }


def _intervals(
    request: EvaluationRequest,
    frame: pd.DataFrame,
    label: np.ndarray,
    columns: dict[str, np.ndarray],
    measured: dict[str, dict[str, float]],
) -> dict[str, Any]:
    """The candidate's interval, and how much better than champion and simple model it is, with paired intervals."""
    name, confidence, trained = request.metric, request.plan.confidence, _trained_champion(frame)
    groups = frame["SNOWLOOP_GROUP"].to_numpy() if "SNOWLOOP_GROUP" in frame else None

    def resampled(rows: np.ndarray) -> dict[str, np.ndarray]:
        scores = {who: score[rows] for who, score in columns.items() if who != "dummy"}
        some = None if groups is None else groups[rows]
        return measures.bootstrap(name, label[rows], scores, request.plan, request.seed, some)

    everywhere = resampled(np.ones(len(label), dtype=bool))
    sides = {"simple": (everywhere, "candidate"), "champion": (everywhere, "candidate")}
    if ON_CHAMPION_ROWS in measured:
        sides["champion"] = (resampled(~trained), ON_CHAMPION_ROWS)
    differences = {}
    sign = 1 if request.higher_is_better else -1
    for other in sorted(columns.keys() & sides.keys()):
        drawn, own = sides[other]
        point, against = measured[own].get(name), measured[other].get(name)
        gain = None if point is None or against is None else sign * (point - against)
        differences[other] = measures.interval(gain, sign * (drawn["candidate"] - drawn[other]), confidence)
    return {
        "interval": measures.interval(measured["candidate"].get(name), everywhere["candidate"], confidence),
        "differences": {other: interval for other, interval in differences.items() if interval},
    }


def _load(session: Session, request: EvaluationRequest) -> Any:
    from snowflake.ml.registry import Registry

    where = request.version
    registry = Registry(session=session, database_name=where.database, schema_name=where.schema)
    return registry.get_model(where.model).version(where.version).load(force=True)


def _skew(session: Session, request: EvaluationRequest, model: Any) -> dict[str, float | None]:
    """The greatest difference of a row's scores as they are served, and by Python from the training set's features."""
    frame = session.sql(request.skew).to_pandas()
    served = measures.served(frame, "SNOWLOOP_SCORE", request.classes)
    expected = measures.scores(model, measures.inputs(frame, request.features), request.task)
    unserved = int(np.isnan(served).any(axis=tuple(range(1, served.ndim))).sum())
    greatest = None if unserved or not len(frame) else float(np.abs(served - expected).max())
    return {"rows": len(frame), "unserved": unserved, "max_difference": greatest}


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
