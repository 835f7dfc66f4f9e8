"""Handler of the rehearsal procedure: repeat a training, test model.py, measure scores that were served."""

import json
import pickle
import warnings
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from snowflake.snowpark import Session

from snowloop_procedures import training
from snowloop_procedures.requests import RehearsalRequest, Specification
from snowloop_procedures.statistics import metrics as measures

SPECIFICATION_ROWS = 400


def run(session: Session, request: str) -> str:
    """Rehearse the champion.

    Args:
        session: The procedure's session.
        request: A ``RehearsalRequest`` as JSON, made by lifecycle/monitoring/rehearse.py.

    Returns:
        ``specifications``, and where they were asked for ``reproduced`` and ``served``, as a JSON object.

    Raises:
        TypeError: if the request lacks a field.
    """
    return json.dumps(rehearse(session, RehearsalRequest.from_dict(json.loads(request))))


def rehearse(session: Session, request: RehearsalRequest) -> dict[str, Any]:
    """Test each candidate's specification; train the version again and measure served scores, where that is asked for.

    Args:
        session: The procedure's session.
        request: What to rehearse.

    Returns:
        ``specifications``, ``reproduced`` (scores of both trainings) and ``served`` (metrics).
    """
    frame = session.sql(request.query).to_pandas()
    outcome: dict[str, Any] = {"specifications": [_specification(frame, request, each) for each in request.candidates]}
    if request.reproduce:
        outcome["reproduced"] = reproduce(session, frame, request)
    if request.served:
        served = session.sql(request.served).collect()
        label, score = (np.array([float(row[name]) for row in served]) for name in ("LABEL", "SCORE"))
        outcome["served"] = measures.measure(request.task, label, score, request.threshold)
    return outcome


def reproduce(session: Session, frame: pd.DataFrame, request: RehearsalRequest) -> dict[str, float] | None:
    """Train a version again, and compare its scores of the held-out rows with those of the logged one.

    Args:
        session: The procedure's session.
        frame: The training set.
        request: As for training; its version is the logged one.

    Returns:
        ``difference`` of the scores of the row that exceeds the tolerance most, and what is ``allowed`` there; None if
        no row is held out.
    """
    from snowflake.ml.registry import Registry

    held_out = frame["IS_HOLDOUT"].astype(bool).to_numpy()
    again = _fit(frame if request.reproduce == "all rows" else frame[~held_out], request, request.params)
    where = request.version
    registry = Registry(session=session, database_name=where.database, schema_name=where.schema)
    logged = registry.get_model(where.model).version(where.version).load(force=True)
    rows = measures.inputs(frame[held_out], request.features)
    if rows.empty:
        return None
    actual, expected = (measures.scores(model, rows, request.task) for model in (again, logged))
    return dict(zip(("difference", "allowed"), measures.repeated(actual, expected, request.tolerance), strict=True))


def _fit(frame: pd.DataFrame, request: RehearsalRequest, params: dict[str, Any]) -> Any:
    """A model as training fits it."""
    label = frame[request.label].astype(training.label_type(request))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return training.fitted(replace(request, params=params), measures.inputs(frame, request.features), label)


def _specification(frame: pd.DataFrame, request: RehearsalRequest, candidate: Specification) -> dict[str, Any]:
    """Unit tests of what build_model gives for a candidate, on a few training rows."""
    rows = frame[~frame["IS_HOLDOUT"].astype(bool)]
    if request.task != "regression":  # some of each class
        rows = rows.groupby(request.label, group_keys=False).head(SPECIFICATION_ROWS // 2)
    rows = rows.head(SPECIFICATION_ROWS)
    try:
        failed = list(_broken_promises(rows, request, candidate.params))
    except Exception as error:  # noqa: BLE001 - whatever a user's estimator raises is the outcome of its test
        failed = [f"{type(error).__name__}: {error}"]
    return {"candidate": candidate.name, "rows": len(rows), "failed": failed}


def _broken_promises(rows: pd.DataFrame, request: RehearsalRequest, params: dict[str, Any]) -> list[str]:
    model, again = (_fit(rows, request, params) for _ in range(2))
    inputs = measures.inputs(rows, request.features)
    scores = measures.scores(model, inputs, request.task)
    one_by_one = [measures.scores(model, inputs.iloc[[place]], request.task)[0] for place in range(min(5, len(rows)))]

    def same(actual: np.ndarray, expected: np.ndarray) -> bool:
        apart, allowed = measures.repeated(actual, expected, request.tolerance)
        return apart <= allowed

    kept = measures.scores(pickle.loads(pickle.dumps(model)), inputs, request.task)  # noqa: S301 - our own bytes
    promises = {
        "a score is not finite": bool(np.isfinite(scores).all()),
        "a probability is below 0 or above 1": request.task == "regression" or bool((abs(scores - 0.5) <= 0.5).all()),
        "two models of one seed differ": same(measures.scores(again, inputs, request.task), scores),
        "a row's score depends on the other rows": same(np.array(one_by_one), scores[: len(one_by_one)]),
        "the model is another after pickling": same(kept, scores),
        "two calls of build_model give one object": model is not again,
    }
    return [words for words, kept_promise in promises.items() if not kept_promise]
