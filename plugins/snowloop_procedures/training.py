"""Handler of the training procedure: fit a candidate, measure it on the held-out rows, and log it to the registry."""

import importlib
import inspect
import json
import random
import sys
import warnings
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd
from snowflake.snowpark import Session

from snowloop_procedures import folds
from snowloop_procedures.bisection import PYTHON_ERROR
from snowloop_procedures.requests import FittingRequest, LabelledRequest, TrainingRequest
from snowloop_procedures.statistics import metrics as measures

LOG_ATTEMPTS = 3
ANSWERED_ROWS = 100
"""Rows whose answers say of which types a model's outputs are."""


def run(session: Session, request: str) -> str:
    """Train one candidate.

    Args:
        session: The procedure's session.
        request: A ``TrainingRequest`` as JSON, made by lifecycle/training/train.py.

    Returns:
        The outcome as a JSON object.

    Raises:
        TypeError: if the request lacks a field.
    """
    return json.dumps(train(session, TrainingRequest.from_dict(json.loads(request))))


def train(session: Session, request: TrainingRequest) -> dict[str, Any]:
    """Fit a candidate on the training part, measure it on the held-out part, and log it.

    Args:
        session: The procedure's session.
        request: What to train, and how to log it.

    Returns:
        ``metrics``; or ``error`` if the candidate cannot be built, fitted, used, cross-validated or logged.

    Raises:
        snowflake.snowpark.exceptions.SnowparkClientException: if Snowflake refuses a statement, or is gone.
    """
    frame = session.sql(request.query).to_pandas()
    inputs, held_out = measures.inputs(frame, request.features), frame["IS_HOLDOUT"].astype(bool).to_numpy()
    label = frame[request.label].astype(label_type(request))
    part = {"train_rows": int((~held_out).sum()), "holdout_rows": int(held_out.sum())}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            folded = folds.cross_validate(request, frame[~held_out], label[~held_out], partial(fitted, request))
            model = fitted(request, inputs[~held_out], label[~held_out])
            scores = measures.scores(model, inputs[held_out], request.task)
            _check_answers(model, inputs.head(1), request)
        _check_classes(model, scores, request)
        true = measures.encode_labels(label[held_out], request.classes)
        measured = measures.measure(request.task, true, scores, request.threshold)
        metrics = {**folded, **measured, **part}  # the deciding one after them: a version that has it has all before it
        _log(session, request, model, inputs[~held_out].head(ANSWERED_ROWS), metrics)
    except (Exception, SystemExit) as error:  # whatever a user's estimator raises is the outcome of this candidate
        if _is_of_snowflake(error):
            raise
        return {"error": f"{type(error).__name__}: {error}"}
    return {"metrics": metrics}


def _is_of_snowflake(error: BaseException) -> bool:
    """Whether Snowflake refused, or was not there: that is no fault of the candidate, and the next would meet it too.

    What the Registry says of an estimator that it does not take, or of one that it cannot load, is the candidate's.
    """
    from snowflake.connector.errors import Error
    from snowflake.connector.vendored.requests.exceptions import RequestException
    from snowflake.snowpark.exceptions import SnowparkClientException

    for each in _chain(error):
        if isinstance(each, Error | RequestException | SnowparkClientException):
            return PYTHON_ERROR not in (getattr(each, "errno", None), getattr(each, "sql_error_code", None))
    return False


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """An error and those that led to it; the Registry's may lead to themselves."""
    visited: set[int] = set()
    while error is not None and id(error) not in visited:
        visited.add(id(error))
        yield error
        error = error.__cause__ or error.__context__


def fitted(request: FittingRequest, rows: pd.DataFrame, label: pd.Series) -> Any:
    """A new model, fitted on some rows; the same each time, whatever was fitted before it.

    Args:
        request: What to build.
        rows: What the model sees.
        label: Their label, of ``label_type``.

    Returns:
        The model.

    Raises:
        ValueError: if a class has no row, or all rows are of one class.
    """
    module = importlib.import_module("model")
    random.seed(request.seed)
    np.random.seed(request.seed % measures.SEEDS)
    model = _build(module, request)
    _check_label(label, request)
    model.fit(rows, label)
    return model


def label_type(request: LabelledRequest) -> type:
    """The type of a label, by task and classes: that of the classes, a whole number for two, or a float."""
    if request.task == "regression":
        return float
    return type(request.classes[0]) if request.classes else int


def _check_label(label: pd.Series, request: LabelledRequest) -> None:
    """Refuse training rows that are all of one class, or lack a declared class."""
    if request.task == "regression":
        return
    counts = label.value_counts()
    missing = [str(each) for each in request.classes if each not in counts.index]
    if missing and len(counts) > 1:
        present = ", ".join(f"{name} {count}" for name, count in counts.items())
        message = (
            f"no training row is of class {', '.join(missing)} (there are: {present}): "
            "it can be predicted only when there are some; until then take it out of label.classes"
        )
        raise ValueError(message)
    if len(counts) < 2:
        message = f"all {len(label)} training rows have label {label.min()}: there are no two classes to distinguish"
        raise ValueError(message)


def _check_classes(model: Any, scores: np.ndarray, request: LabelledRequest) -> None:
    """The model must give a probability for each class, in the order that serving expects."""
    classes = list(request.classes)
    if not classes:
        return
    fitted_classes = [type(classes[0])(each) for each in getattr(model, "classes_", classes)]
    if fitted_classes != classes or (len(scores) and scores.shape[1:] != (len(classes),)):
        message = (
            f"predict_proba gives {scores.shape[-1]} columns for the classes {fitted_classes}, "
            f"it must give one for each of {classes}, in this order"
        )
        raise ValueError(message)


def _check_answers(model: Any, rows: pd.DataFrame, request: LabelledRequest) -> None:
    """A custom model names its outputs itself: they must be the names that the Registry gives to those of others."""
    answer = model.predict(rows) if request.task == "regression" else model.predict_proba(rows)
    names = list(answer.columns) if isinstance(answer, pd.DataFrame) else []
    required = [f"output_feature_{place}" for place in range(len(names))]
    if names != required:
        message = f"the model's answer has the columns {names}, scoring needs the names {required}"
        raise ValueError(message)


def _build(module: ModuleType, request: FittingRequest) -> Any:
    params = dict(request.params)
    if "seed" in inspect.signature(module.build_model).parameters:
        params.setdefault("seed", request.seed)
    return module.build_model(**params)


def _log(session: Session, request: TrainingRequest, model: Any, rows: pd.DataFrame, metrics: dict[str, float]) -> None:
    """Log the version; one that is there without its metrics, because a run was killed, gets them."""
    from snowflake.ml.registry import Registry

    where, repository, requirements = request.version, request.artifact_repository, list(request.requirements)
    registry = Registry(session=session, database_name=where.database, schema_name=where.schema)
    needs = {"pip_requirements": requirements, "artifact_repository_map": {"pip": repository}}
    code, served = _local_code(model, request.modules), signatures(model, rows, request)
    for attempt in range(1, LOG_ATTEMPTS + 1):
        if where.version in _versions(registry, where.model):
            version = registry.get_model(where.model).version(where.version)
            version.comment = request.comment
            for name, value in metrics.items():
                version.set_metric(name, value)
            return
        try:
            registry.log_model(
                model,
                model_name=where.model,
                version_name=where.version,
                comment=request.comment,
                metrics=metrics,
                signatures=served,
                target_platforms=["WAREHOUSE"],
                task=_task(request.task),
                code_paths=code or None,
                **(needs if repository else {"conda_dependencies": requirements}),
            )
            return
        except Exception as error:
            # Candidates train at the same time: another may have made the model between our look and our statement.
            if attempt == LOG_ATTEMPTS or "already exist" not in str(error):
                raise


def signatures(model: Any, rows: pd.DataFrame, request: LabelledRequest) -> dict[str, Any]:
    """The methods that serve, as the Registry takes them.

    Their inputs are the declared features: a feature that is NULL in all of some rows has its type all the same.

    Args:
        model: The fitted model.
        rows: Some rows, whose answers say of which types the outputs are.
        request: The features, and the task.

    Returns:
        The ``ModelSignature`` of ``predict`` and, but for a regression, ``predict_proba``, if the model has them.
    """
    from snowflake.ml.model.model_signature import DataType, FeatureSpec, ModelSignature, infer_signature

    types = {"FLOAT": DataType.DOUBLE, "VARCHAR": DataType.STRING}
    inputs = [FeatureSpec(feature.name, types[feature.type]) for feature in request.features]
    methods = ["predict"] if request.task == "regression" else ["predict", "predict_proba"]
    answers = {method: getattr(model, method)(rows) for method in methods if hasattr(model, method)}
    some = pd.DataFrame({"ROW": [0.0]})
    return {name: ModelSignature(inputs, infer_signature(some, answer).outputs) for name, answer in answers.items()}


def _task(task: str) -> Any:
    """The task as the Registry names it."""
    from snowflake.ml.model.task import Task

    tasks = {
        "classification": Task.TABULAR_BINARY_CLASSIFICATION,
        "multiclass": Task.TABULAR_MULTI_CLASSIFICATION,
        "regression": Task.TABULAR_REGRESSION,
    }
    return tasks[task]


def _versions(registry: Any, model: str) -> list[str]:
    if model not in [str(name) for name in registry.show_models().get("name", [])]:
        return []
    return [str(name) for name in registry.get_model(model).show_versions()["name"]]


def _local_code(model: Any, modules: Sequence[str]) -> list[str]:
    """The user's own modules, if the fitted model holds objects of theirs: then they belong to the version."""
    parts = [model, *model.get_params(deep=True).values()] if hasattr(model, "get_params") else [model]
    used = {getattr(part, "__module__", None) or type(part).__module__ for part in parts}
    used |= {type(part).__module__ for part in parts}
    if not used & set(modules):
        return []
    folder = Path(sys._xoptions["snowflake_import_directory"])
    return [str(folder / f"{module}.py") for module in modules]
