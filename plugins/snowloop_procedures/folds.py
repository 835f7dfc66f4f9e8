"""Cross-validation of a candidate on folds of the training rows."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from snowloop_procedures.requests import Folds, TrainingRequest
from snowloop_procedures.statistics import metrics as measures

Fit = Callable[[pd.DataFrame, pd.Series], Any]
Part = tuple[np.ndarray, np.ndarray]


def cross_validate(request: TrainingRequest, training: pd.DataFrame, label: pd.Series, fit: Fit) -> dict[str, float]:
    """Fit a candidate on each fold's training rows and measure it on the fold's other rows.

    Args:
        request: How to split and what to compute; without ``cross_validation`` there are no folds.
        training: The training part of the training set, without any held-out row.
        label: Its label.
        fit: Gives a new model, fitted on some rows and their label.

    Returns:
        ``cv_<metric>_mean`` and ``cv_<metric>_std``, the standard deviation over the folds; empty if none are declared.

    Raises:
        ValueError: if the rows cannot be split so, or a fold cannot be fitted or measured.
    """
    plan = request.cross_validation
    if plan is None:
        return {}
    inputs, count, values = measures.inputs(training, request.features), plan.count, []
    along = training[plan.along].to_numpy() if plan.along else None
    moments = training[list(plan.moments)].to_numpy(dtype=float) if plan.moments else None
    try:
        parts = split(plan, label, along, request.task, request.seed, moments)
    except ValueError as error:
        message = f"{len(label)} training rows cannot be split into the {count} folds of cross_validation: {error}"
        raise ValueError(message) from error
    for number, part in enumerate(parts, start=1):
        try:
            values.append(_value(request, plan, inputs, label, part, fit))
        except Exception as error:
            words = str(error) if isinstance(error, ValueError) else f"{type(error).__name__}: {error}"
            message = f"fold {number} of {count} of the cross-validation: {words}"
            raise ValueError(message) from error
    name = f"cv_{plan.metric}"
    return {f"{name}_mean": float(np.mean(values)), f"{name}_std": float(np.std(values))}


def split(
    plan: Folds, label: pd.Series, along: np.ndarray | None, task: str, seed: int, moments: np.ndarray | None = None
) -> list[Part]:
    """Folds of the kind that the declared split is of (https://scikit-learn.org/stable/modules/cross_validation.html).

    Whole groups; or rows that come after all that the fold trains on, in the declared order; or else at random, with
    the classes in equal shares.

    Args:
        plan: The number of folds, and how the held-out rows are split off.
        label: The label of n rows.
        along: The group, or the position in the order, of each row, of shape (n,); None for a split by hash.
        task: The task of the label.
        seed: Of folds at random.
        moments: When each event was, and when its label became known, of shape (n, 2): a fold then does not train on
            rows whose label became known after its first other event; None: no gap is kept.

    Returns:
        Of each fold the positions of the rows that train, and of those that it is measured on.

    Raises:
        ValueError: if there are too few rows, groups, or rows of a class.
    """
    from sklearn.model_selection import GroupKFold, KFold, StratifiedKFold, TimeSeriesSplit

    count = plan.count
    if along is not None and plan.by == "group":
        return list(GroupKFold(count).split(label, groups=along))
    if along is not None:
        places = along.astype(float)
        rows = np.argsort(places, kind="stable")
        parts = TimeSeriesSplit(count).split(rows)
        return [_earlier(places, rows[before], rows[after], moments) for before, after in parts]
    kind = KFold if task == "regression" else StratifiedKFold
    return list(kind(count, shuffle=True, random_state=seed % measures.SEEDS).split(label, label))


def _earlier(places: np.ndarray, before: np.ndarray, after: np.ndarray, moments: np.ndarray | None) -> Part:
    """Without training rows of the moment at which the others begin, or whose label became known after it."""
    before = before[places[before] < places[after].min()]
    if moments is not None:
        before = before[~(moments[before, 1] > np.nanmin(moments[after, 0]))]
    return before, after


def _value(
    request: TrainingRequest, plan: Folds, inputs: pd.DataFrame, label: pd.Series, part: Part, fit: Fit
) -> float:
    before, after = part
    if not len(before):
        message = "no training row comes before its rows with a label known by then: declare fewer folds"
        raise ValueError(message)
    model = fit(inputs.iloc[before], label.iloc[before])
    scores = measures.scores(model, inputs.iloc[after], request.task)
    true = measures.encode_labels(label.iloc[after], request.classes)
    true = true if request.task == "regression" else true.astype(int)
    metric = plan.metric
    value = measures.value(metric, true, scores, request.threshold)
    if value is None:
        labels = label.iloc[after].nunique()
        message = f"{metric} cannot be computed on the {len(after)} rows of the fold (different labels: {labels})"
        raise ValueError(message)
    return value
