"""Handler of the rehearsal procedure: is training repeatable, does model.py keep its promises, was serving good."""

import json
import pickle
import warnings
from typing import Any

import numpy as np
import pandas as pd
from snowflake.snowpark import Session

from snowloop_procedures import metrics as measures
from snowloop_procedures import training

SPECIFICATION_ROWS = 400


def run(session: Session, request: str) -> str:
    """Do all that is asked for.

    Args:
        session: The procedure's session.
        request: A JSON object, made by lifecycle/rehearse.py: ``reproduce`` says whether to train again, ``candidates``
            are tested, ``served`` is a query or null.

    Returns:
        What was found, as a JSON object.

    Raises:
        KeyError: if the request lacks a part.
    """
    order = json.loads(request)
    frame = session.sql(order["query"]).to_pandas()
    found: dict[str, Any] = {"specifications": [_specification(frame, order, each) for each in order["candidates"]]}
    if order["reproduce"]:
        found["difference"] = reproduce(session, frame, order)
    if order["served"]:
        served = session.sql(order["served"]).collect()
        label, score = (np.array([float(row[name]) for row in served]) for name in ("LABEL", "SCORE"))
        found["served"] = measures.measure(order["task"], label, score, order["threshold"])
    return json.dumps(found)


def reproduce(session: Session, frame: pd.DataFrame, order: dict[str, Any]) -> float | None:
    """Train a version again, and compare its scores of the held-out rows with those of the logged one.

    Args:
        session: The procedure's session.
        frame: The training set.
        order: As for training; ``version`` is the logged one.

    Returns:
        The greatest difference of a score; None if no row is held out.
    """
    from snowflake.ml.registry import Registry

    held_out = frame["IS_HOLDOUT"].astype(bool).to_numpy()
    again = _fit(frame[~held_out], order, order["params"])
    registry = Registry(session=session, database_name=order["database"], schema_name=order["schema"])
    logged = registry.get_model(order["model"]).version(order["version"]).load(force=True)
    rows = measures.inputs(frame[held_out], order["features"])
    told = [measures.scores(model, rows, order["task"]) for model in (again, logged)]
    return float(np.abs(told[0] - told[1]).max()) if len(rows) else None


def _fit(frame: pd.DataFrame, order: dict[str, Any], params: dict[str, Any]) -> Any:
    """A model as training fits it."""
    label = frame[order["label"]].astype(training.label_type(order))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return training.fitted({**order, "params": params}, measures.inputs(frame, order["features"]), label)


def _specification(frame: pd.DataFrame, order: dict[str, Any], candidate: dict[str, Any]) -> dict[str, Any]:
    """Unit tests of what build_model gives for a candidate, on a few training rows."""
    rows = frame[~frame["IS_HOLDOUT"].astype(bool)]
    if order["task"] != "regression":  # some of each class
        rows = rows.groupby(order["label"], group_keys=False).head(SPECIFICATION_ROWS // 2)
    rows = rows.head(SPECIFICATION_ROWS)
    try:
        failed = list(_broken_promises(rows, order, candidate["params"]))
    except Exception as error:  # noqa: BLE001 - whatever a user's estimator raises is the outcome of its test
        failed = [f"{type(error).__name__}: {error}"]
    return {"candidate": candidate["name"], "rows": len(rows), "failed": failed}


def _broken_promises(rows: pd.DataFrame, order: dict[str, Any], params: dict[str, Any]) -> list[str]:
    model, again = (_fit(rows, order, params) for _ in range(2))
    inputs = measures.inputs(rows, order["features"])
    told = measures.scores(model, inputs, order["task"])
    one_by_one = [measures.scores(model, inputs.iloc[[place]], order["task"])[0] for place in range(min(5, len(rows)))]
    kept = measures.scores(pickle.loads(pickle.dumps(model)), inputs, order["task"])  # noqa: S301 - our own bytes
    promises = {
        "a score is not finite": bool(np.isfinite(told).all()),
        "a probability is below 0 or above 1": order["task"] == "regression" or bool((abs(told - 0.5) <= 0.5).all()),
        "two models of one seed differ": np.allclose(told, measures.scores(again, inputs, order["task"])),
        "a row's score depends on the rows beside it": np.allclose(np.array(one_by_one), told[: len(one_by_one)]),
        "the model is another after pickling": np.allclose(told, kept),
        "two calls of build_model give one object": model is not again,
    }
    return [words for words, kept_promise in promises.items() if not kept_promise]
