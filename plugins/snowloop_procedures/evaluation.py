"""Handler of the evaluation procedure: all that is measured of a version on the held-out rows, inside Snowflake."""

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


def run(session: Session, request: str) -> str:
    """Do what a request asks for: its ``do`` is ``evaluate``, ``compare`` or ``check for leakage``.

    Args:
        session: The procedure's session.
        request: A JSON object, made by lifecycle/evaluate.py, compare.py or leakage.py.

    Returns:
        The outcome as a JSON object.

    Raises:
        KeyError: if the request lacks a part.
    """
    from threadpoolctl import threadpool_limits

    order = json.loads(request)
    doing: dict[str, Callable[[Session, dict[str, Any]], dict[str, Any]]] = {
        "evaluate": evaluate,
        "compare": comparison.compare,
        "check for leakage": leakage.single_features,
    }
    with threadpool_limits(1):  # many small predictions: threads would cost more than they bring
        return json.dumps(doing[order["do"]](session, order))


def evaluate(session: Session, order: dict[str, Any]) -> dict[str, Any]:
    """Measure a candidate, the champion and two baselines on the same rows; versions by the way in which they serve.

    Args:
        session: The procedure's session.
        order: The queries of rows and scores, the plan, and where the candidate's version is.

    Returns:
        ``metrics`` by contestant, ``interval``, ``differences``, and what parts of the evaluation found. Rows that the
        champion was trained on do not judge it: ``seen_by_champion`` of them are left out, and the metrics
        ``beside champion`` are the candidate's without them.
    """
    task, plan = order["task"], order["plan"]
    frame = session.sql(order["held_out"]).to_pandas()
    label = measures.truth(frame[order["label"]], order["classes"])
    started = time.perf_counter()
    columns = {"candidate": _served(session, order, "candidate")}
    by_sql = 1000 * (time.perf_counter() - started) / max(1, len(frame))
    if "champion" in order["scores"]:
        columns["champion"] = _served(session, order, "champion")
    columns |= parts.baselines(session.sql(order["training"]).to_pandas(), frame, order)
    seen = _seen(frame)
    measured = _metrics(order, label, columns, seen)
    model = _load(session, order)
    rows = measures.inputs(frame, order["features"])
    return {
        "metrics": measured,
        "rows": len(frame),
        "seen_by_champion": int(seen.sum()),
        **_intervals(order, frame, label, columns, measured),
        "slices": parts.slices(order, frame, label, columns["candidate"]),
        "calibration": parts.calibration(task, label, columns["candidate"]),
        "curves": curves.curves(task, label, columns["candidate"], order["seed"], order["classes"]),
        "confusion": parts.confusion(task, label, columns["candidate"], plan["threshold"]),
        "classes": parts.each_class(order["classes"], label, columns["candidate"]),
        "importance": parts.importance(order, model, rows, label),
        "skew": _skew(session, order, model),
        "cost": {**_cost(model, rows, task), "milliseconds_per_row_by_sql": by_sql},
    }


def _served(session: Session, order: dict[str, Any], whose: str) -> np.ndarray:
    return measures.served(session.sql(order["scores"][whose]).to_pandas(), "SCORE", order["classes"])


def _seen(frame: pd.DataFrame) -> np.ndarray:
    """Which rows the champion was trained on."""
    if "SNOWLOOP_SEEN" not in frame:
        return np.zeros(len(frame), dtype=bool)
    return frame["SNOWLOOP_SEEN"].astype(bool).to_numpy()


def _metrics(
    order: dict[str, Any], label: np.ndarray, columns: dict[str, np.ndarray], seen: np.ndarray
) -> dict[str, dict[str, float]]:
    """Metrics by contestant: the champion's on the rows that it has not seen, and the candidate's beside it."""
    rows = {name: np.ones(len(label), dtype=bool) for name in columns} | {"champion": ~seen, "beside champion": ~seen}
    scores = {**columns, "beside champion": columns["candidate"]} if seen.any() else columns
    threshold = order["plan"]["threshold"]
    return {
        name: measures.measure(order["task"], label[rows[name]], score[rows[name]], threshold)
        for name, score in scores.items()
    }


def _intervals(
    order: dict[str, Any],
    frame: pd.DataFrame,
    label: np.ndarray,
    columns: dict[str, np.ndarray],
    measured: dict[str, dict[str, float]],
) -> dict[str, Any]:
    """The candidate's interval, and how much better than champion and simple model it is, with paired intervals."""
    name, confidence, seen = order["metric"], order["plan"]["confidence"], _seen(frame)
    groups = frame["SNOWLOOP_GROUP"].to_numpy() if "SNOWLOOP_GROUP" in frame else None

    def resampled(rows: np.ndarray) -> dict[str, np.ndarray]:
        scores = {who: score[rows] for who, score in columns.items() if who != "dummy"}
        some = None if groups is None else groups[rows]
        return measures.bootstrap(name, label[rows], scores, order["plan"], order["seed"], some)

    everywhere = resampled(np.ones(len(label), dtype=bool))
    sides = {"simple": (everywhere, "candidate"), "champion": (everywhere, "candidate")}
    if "beside champion" in measured:
        sides["champion"] = (resampled(~seen), "beside champion")
    differences = {}
    sign = 1 if order["higher_is_better"] else -1
    for other in sorted(columns.keys() & sides.keys()):
        drawn, own = sides[other]
        point, against = measured[own].get(name), measured[other].get(name)
        gain = None if point is None or against is None else sign * (point - against)
        differences[other] = measures.interval(gain, sign * (drawn["candidate"] - drawn[other]), confidence)
    return {
        "interval": measures.interval(measured["candidate"].get(name), everywhere["candidate"], confidence),
        "differences": {other: found for other, found in differences.items() if found},
    }


def _load(session: Session, order: dict[str, Any]) -> Any:
    from snowflake.ml.registry import Registry

    registry = Registry(session=session, database_name=order["database"], schema_name=order["schema"])
    return registry.get_model(order["model"]).version(order["version"]).load(force=True)


def _skew(session: Session, order: dict[str, Any], model: Any) -> dict[str, float | None]:
    """The greatest difference of a row's scores as they are served, and by Python from the training set's features."""
    frame = session.sql(order["skew"]).to_pandas()
    served = measures.served(frame, "SNOWLOOP_SCORE", order["classes"])
    expected = measures.scores(model, measures.inputs(frame, order["features"]), order["task"])
    unserved = int(np.isnan(served).any(axis=tuple(range(1, served.ndim))).sum())
    found = None if unserved or not len(frame) else float(np.abs(served - expected).max())
    return {"rows": len(frame), "unserved": unserved, "max_difference": found}


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
