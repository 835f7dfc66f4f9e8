"""Metrics and scores.

In this package ``label`` is an array of shape (n,): 0 or 1, of several classes the position of the class among them, of
a regression the value. ``score`` is of shape (n,), the probability of class 1 or the predicted value, or of several
classes of shape (n, classes), a probability a class.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from snowloop_procedures.requests import Feature, Tolerance

Metric = Callable[[np.ndarray, np.ndarray, float], float]
SEEDS = 2**32
SERVED = {"FLOAT": pd.Float64Dtype(), "VARCHAR": pd.StringDtype()}
"""The types to which the function that the Registry generates casts what it gets; NULL is ``pd.NA`` in both.

Source: snowflake-ml, ``FeatureSpec.as_dtype``, and the template infer_function.py_template.
"""


def inputs(frame: pd.DataFrame, features: Sequence[Feature]) -> pd.DataFrame:
    """The features in their order and of the types that a version gets when it serves; the one place that casts them.

    Args:
        frame: Rows as Snowflake gives them.
        features: The features.

    Returns:
        The rows: numbers as ``Float64``, texts as ``string``, NULL and NaN as ``pd.NA``.
    """
    numbers = {feature.name: float for feature in features if feature.type == "FLOAT"}  # decimals become numbers first
    named = frame[[feature.name for feature in features]].astype(numbers)
    return named.astype({feature.name: SERVED[feature.type] for feature in features})


def encode_labels(column: pd.Series, classes: Sequence[int | str]) -> np.ndarray:
    """Labels as numbers: of several classes the position of the class among them.

    Args:
        column: The label of n rows.
        classes: The classes of a multiclass label, in order; none for any other.

    Returns:
        The numbers, of shape (n,): whole numbers of several classes, else floats.

    Raises:
        ValueError: if a label is none of the classes.
    """
    if not classes:
        return column.astype(float).to_numpy()
    places = {each: place for place, each in enumerate(classes)}
    return column.astype(type(classes[0])).map(places).astype(int).to_numpy()


def scores(model: Any, rows: pd.DataFrame, task: str) -> np.ndarray:
    """The scores of some rows by a fitted model.

    Args:
        model: The model, with ``predict_proba``, or of a regression ``predict``.
        rows: The features of n rows.
        task: ``classification``, ``multiclass`` or ``regression``.

    Returns:
        Probabilities of class 1, of shape (n,); of several classes of shape (n, classes); of a regression the predicted
        values, of shape (n,).
    """
    if rows.empty:
        return np.array([])
    if task == "regression":
        return np.asarray(model.predict(rows), dtype=float).ravel()
    probabilities = np.asarray(model.predict_proba(rows), dtype=float)
    return probabilities if task == "multiclass" else probabilities[:, 1]


def served(frame: pd.DataFrame, name: str, classes: Sequence[int | str]) -> np.ndarray:
    """Scores as SQL gives them: the column ``name``, or of several classes ``<name>_0``, ``<name>_1`` and so on."""
    names = [f"{name}_{place}" for place in range(len(classes))] if classes else name
    return frame[names].astype(float).to_numpy()


def served_score(score: np.ndarray) -> np.ndarray:
    """The score of SERVING.SCORED, of shape (n,): of several classes the probability of the likeliest."""
    return np.asarray(score.max(axis=1)) if score.ndim > 1 else score


def difference(actual: np.ndarray, expected: np.ndarray, tolerance: Tolerance) -> tuple[np.ndarray, np.ndarray]:
    """How far the scores of each row are apart; of several classes where they exceed the tolerance most.

    Args:
        actual: Scores, of shape (n,) or (n, classes).
        expected: The scores that they should be, of the same shape.
        tolerance: What may differ.

    Returns:
        The absolute difference of each row and the expected score there, both of shape (n,); NaN and infinities remain.
    """
    if not len(expected):
        return np.zeros(0), np.zeros(0)
    actual, expected = (each.reshape(len(each), -1) for each in (actual, expected))
    apart = np.abs(actual - expected)
    rows, worst = np.arange(len(apart)), np.argmax(tolerance.exceeded(apart, expected), axis=1)
    return apart[rows, worst], expected[rows, worst]


def repeated(actual: np.ndarray, expected: np.ndarray, tolerance: Tolerance) -> tuple[float, float]:
    """How far what is computed twice is apart, in the row that exceeds the tolerance most.

    A sum of 32-bit floats that is near zero is as inexact as its summands, which are as large as other scores: so a
    tenth of the relative tolerance, of the largest score, is allowed in each row.

    Args:
        actual: Scores, of shape (n,) or (n, classes).
        expected: The scores that they should be, of the same shape, n at least 1.
        tolerance: What may differ.

    Returns:
        The absolute difference, and what is allowed there: nothing where a score is NaN or infinite.
    """
    largest = float(np.max(np.abs(expected), initial=0.0, where=np.isfinite(expected)))
    tolerance = replace(tolerance, absolute=tolerance.absolute + tolerance.relative / 10 * largest)
    with np.errstate(invalid="ignore"):
        apart, scores = difference(actual, expected, tolerance)
        worst = int(np.argmax(tolerance.exceeded(apart, scores)))
    return float(apart[worst]), float(tolerance.allowed(scores[worst])) if np.isfinite(scores[worst]) else 0.0


def metric(name: str) -> Metric:
    """The function of label, score and threshold that computes a metric.

    Args:
        name: Name of the metric.

    Returns:
        The function; it raises ValueError for rows that do not allow the metric.

    Raises:
        KeyError: if there is no metric of this name.
    """
    from sklearn import metrics as sk

    functions: dict[str, Metric] = {
        "roc_auc": lambda label, score, _: sk.roc_auc_score(_two(label), score),
        "average_precision": lambda label, score, _: sk.average_precision_score(_two(label), score),
        "f1": lambda label, score, threshold: sk.f1_score(_two(label), score >= threshold),
        "accuracy": lambda label, score, threshold: sk.accuracy_score(label, predicted_class(score, threshold)),
        "log_loss": lambda label, score, _: sk.log_loss(
            label, score, labels=range(score.shape[1] if score.ndim > 1 else 2)
        ),
        "balanced_accuracy": lambda label, score, _: sk.balanced_accuracy_score(_two(label), predicted_class(score)),
        "f1_macro": lambda label, score, _: sk.f1_score(
            label, predicted_class(score), average="macro", zero_division=0
        ),
        "roc_auc_ovr": lambda label, score, _: float(np.mean(roc_auc_one_vs_rest(label, score))),
        "brier": lambda label, score, _: sk.brier_score_loss(label, score, pos_label=1),
        "rmse": lambda label, score, _: sk.root_mean_squared_error(label, score),
        "mae": lambda label, score, _: sk.mean_absolute_error(label, score),
        "r2": lambda label, score, _: sk.r2_score(label, score) if len(label) > 1 else math.nan,
    }
    return functions[name]


METRICS = {
    "classification": ("roc_auc", "average_precision", "f1", "accuracy", "log_loss", "brier"),
    "multiclass": ("accuracy", "balanced_accuracy", "f1_macro", "log_loss", "roc_auc_ovr"),
    "regression": ("rmse", "mae", "r2"),
}


def predicted_class(score: np.ndarray, threshold: float = 0.5) -> np.ndarray:
    """The predicted class, of shape (n,): the likeliest of several, the first of equals; 1 from the threshold on."""
    return np.asarray(score.argmax(axis=1) if score.ndim > 1 else score >= threshold, dtype=int)


def expand_to_all_classes(score: np.ndarray, fitted: Sequence[int], count: int) -> np.ndarray:
    """Probabilities of all classes, by a model that was fitted on rows of some of them; those of the others are 0.

    Args:
        score: Probabilities, of shape (n, fitted classes).
        fitted: Positions of the fitted classes among all.
        count: Number of all classes.

    Returns:
        Probabilities, of shape (n, count).
    """
    expanded = np.zeros((len(score), count))
    expanded[:, np.asarray(fitted, dtype=int)] = score
    return expanded


def roc_auc_one_vs_rest(label: np.ndarray, score: np.ndarray) -> list[float]:
    """Of each class the ROC AUC of its probability against the rest; NaN where all or no rows are of it.

    ``roc_auc_score(multi_class="ovr")`` of scikit-learn refuses rows in which a class is missing.
    """
    from sklearn.metrics import roc_auc_score

    areas = []
    for place, probability in enumerate(score.T):
        true = label == place
        areas.append(float(roc_auc_score(true, probability)) if true.any() and not true.all() else math.nan)
    return areas


def _two(label: np.ndarray) -> np.ndarray:
    if label.min() == label.max():
        message = "only one class"
        raise ValueError(message)
    return label


def value(name: str, label: np.ndarray, score: np.ndarray, threshold: float = 0.5) -> float | None:
    """One metric of n rows, or None if the rows do not allow it or a score is missing."""
    if not np.isfinite(score).all():
        return None
    try:
        number = float(metric(name)(label, score, threshold))
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def support(task: str, label: np.ndarray, score: np.ndarray) -> int:
    """How many rows a metric rests on: all of a regression, of classes the rows of the rarest one."""
    if task == "regression":
        return len(label)
    return int(np.bincount(label.astype(int), minlength=score.shape[1] if score.ndim > 1 else 2).min())


def measure(task: str, label: np.ndarray, score: np.ndarray, threshold: float = 0.5) -> dict[str, float]:
    """All metrics of a task that the rows allow; one that cannot be computed is left out.

    Args:
        task: ``classification``, ``multiclass`` or ``regression``.
        label: Labels, of shape (n,).
        score: Scores, of shape (n,) or (n, classes).
        threshold: Score from which a row counts as class 1.

    Returns:
        The metrics by name, and ``support``: rows, or rows of the rarest class.
    """
    if not len(label):
        return {"support": 0.0}
    if task != "regression":
        label = label.astype(int)
    metrics = {"support": float(support(task, label, score))}
    for name in METRICS[task]:
        number = value(name, label, score, threshold)
        if number is not None:
            metrics[name] = number
    return metrics
