"""Metrics, scores and bootstrap intervals; staged beside the handlers that train and evaluate."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

Metric = Callable[[np.ndarray, np.ndarray, float], float]
SEEDS = 2**32


def inputs(frame: pd.DataFrame, features: Sequence[Mapping[str, str]]) -> pd.DataFrame:
    """The features in their order, numbers as floats and text as it is: as the version sees them when it serves."""
    types = {feature["name"]: float if feature["type"] == "FLOAT" else object for feature in features}
    return frame[list(types)].astype(types)


def truth(column: pd.Series, classes: Sequence[int | str]) -> np.ndarray:
    """What was true, as numbers: of several classes the place of the class among them.

    Args:
        column: The label.
        classes: The classes of a multiclass label, in order; none for any other.

    Returns:
        The numbers.

    Raises:
        ValueError: if a label is none of the classes.
    """
    if not classes:
        return column.astype(float).to_numpy()
    places = {each: place for place, each in enumerate(classes)}
    return column.astype(type(classes[0])).map(places).astype(int).to_numpy()


def scores(model: Any, rows: pd.DataFrame, task: str) -> np.ndarray:
    """What a fitted model says of some rows: the probability of class 1 or of each class, or the value."""
    if rows.empty:
        return np.array([])
    if task == "regression":
        return np.asarray(model.predict(rows), dtype=float).ravel()
    said = np.asarray(model.predict_proba(rows), dtype=float)
    return said if task == "multiclass" else said[:, 1]


def served(frame: pd.DataFrame, name: str, classes: Sequence[int | str]) -> np.ndarray:
    """Scores as SQL gives them: the column ``name``, or of several classes ``<name>_0``, ``<name>_1`` and so on."""
    names = [f"{name}_{place}" for place in range(len(classes))] if classes else name
    return frame[names].astype(float).to_numpy()


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

    known: dict[str, Metric] = {
        "roc_auc": lambda label, score, _: sk.roc_auc_score(_two(label), score),
        "average_precision": lambda label, score, _: sk.average_precision_score(_two(label), score),
        "f1": lambda label, score, threshold: sk.f1_score(_two(label), score >= threshold),
        "accuracy": lambda label, score, threshold: sk.accuracy_score(label, said(score, threshold)),
        "log_loss": lambda label, score, _: sk.log_loss(
            label, score, labels=range(score.shape[1] if score.ndim > 1 else 2)
        ),
        "balanced_accuracy": lambda label, score, _: sk.balanced_accuracy_score(_two(label), said(score)),
        "f1_macro": lambda label, score, _: sk.f1_score(label, said(score), average="macro", zero_division=0),
        "roc_auc_ovr": lambda label, score, _: float(np.mean(one_against_others(label, score))),
        "brier": lambda label, score, _: float(np.mean((score - label) ** 2)),
        "rmse": lambda label, score, _: math.sqrt(sk.mean_squared_error(label, score)),
        "mae": lambda label, score, _: sk.mean_absolute_error(label, score),
        "r2": lambda label, score, _: sk.r2_score(label, score) if len(label) > 1 else math.nan,
    }
    return known[name]


METRICS = {
    "classification": ("roc_auc", "average_precision", "f1", "accuracy", "log_loss", "brier"),
    "multiclass": ("accuracy", "balanced_accuracy", "f1_macro", "log_loss", "roc_auc_ovr"),
    "regression": ("rmse", "mae", "r2"),
}


def said(score: np.ndarray, threshold: float = 0.5) -> np.ndarray:
    """The class that the scores tell: the likeliest of several, the first of equals; 1 from the threshold on."""
    return np.asarray(score.argmax(axis=1) if score.ndim > 1 else score >= threshold, dtype=int)


def spread(score: np.ndarray, seen: Sequence[int], count: int) -> np.ndarray:
    """Probabilities of the classes that a model has seen as columns among all classes; the others have 0."""
    whole = np.zeros((len(score), count))
    whole[:, np.asarray(seen, dtype=int)] = score
    return whole


def one_against_others(label: np.ndarray, score: np.ndarray) -> list[float]:
    """Of each class the ROC AUC of its probability against all other classes; NaN where all or no rows are of it."""
    from sklearn.metrics import roc_auc_score

    each = [label == place for place in range(score.shape[1])]
    return [
        float(roc_auc_score(its, score[:, place])) if its.any() and not its.all() else math.nan
        for place, its in enumerate(each)
    ]


def _two(label: np.ndarray) -> np.ndarray:
    if label.min() == label.max():
        message = "only one class"
        raise ValueError(message)
    return label


def value(name: str, label: np.ndarray, score: np.ndarray, threshold: float = 0.5) -> float | None:
    """One metric, or None if the rows do not allow it or a score is missing."""
    if not np.isfinite(score).all():
        return None
    try:
        found = float(metric(name)(label, score, threshold))
    except ValueError:
        return None
    return found if math.isfinite(found) else None


def measure(task: str, label: np.ndarray, score: np.ndarray, threshold: float = 0.5) -> dict[str, float]:
    """All metrics of a task that the rows allow; one that cannot be computed is left out.

    Args:
        task: ``classification``, ``multiclass`` or ``regression``.
        label: What was true.
        score: Probability of class 1, of each class, or the predicted value.
        threshold: Score from which a row counts as class 1.

    Returns:
        The metrics by name, and ``support``: rows, or rows of the rarest class.
    """
    if not len(label):
        return {"support": 0.0}
    support = len(label)
    if task != "regression":
        label = label.astype(int)
        support = int(np.bincount(label, minlength=score.shape[1] if score.ndim > 1 else 2).min())
    found = {"support": float(support)}
    for name in METRICS[task]:
        number = value(name, label, score, threshold)
        if number is not None:
            found[name] = number
    return found


def bootstrap(
    name: str,
    label: np.ndarray,
    columns: Mapping[str, np.ndarray],
    plan: Mapping[str, Any],
    seed: int,
    groups: np.ndarray | None = None,
) -> dict[str, np.ndarray]:
    """A metric of several scores on the same resamples of the rows, so that their differences are paired.

    Rows of one group (a customer, a patient) are not independent: whole groups are drawn where there are any, or the
    interval would be too narrow (C. A. Field, A. H. Welsh, Bootstrapping Clustered Data, JRSS B 69, 2007; A. C.
    Davison, D. V. Hinkley, Bootstrap Methods and their Application, 1997, section 3.8).

    Args:
        name: Name of the metric.
        label: What was true.
        columns: Scores of the same rows, by name.
        plan: ``resamples``, ``bootstrap_rows`` and ``threshold``.
        seed: Seed of the resampling.
        groups: The group of each row; None: each row is one by itself.

    Returns:
        For each name the metric of each resample; NaN where it does not allow the metric, or there is one group alone.
    """
    random = np.random.default_rng(seed % SEEDS)
    found = {column: np.full(plan["resamples"], np.nan) for column in columns}
    members = None if groups is None else _members(groups)
    if not len(label) or (members is not None and len(members) == 1):
        return found
    size = min(len(label), plan["bootstrap_rows"])
    for turn in range(plan["resamples"]):
        chosen = random.integers(0, len(label), size) if members is None else _whole(members, size, len(label), random)
        for column, score in columns.items():
            number = value(name, label[chosen], score[chosen], plan["threshold"])
            found[column][turn] = np.nan if number is None else number
    return found


def _members(groups: np.ndarray) -> list[np.ndarray]:
    """The places of the rows of each group."""
    codes, _ = pd.factorize(groups, use_na_sentinel=False)
    order = np.argsort(codes, kind="stable")
    return np.split(order, np.cumsum(np.bincount(codes))[:-1])


def _whole(members: Sequence[np.ndarray], size: int, rows: int, random: np.random.Generator) -> np.ndarray:
    """The rows of groups that are drawn, as many as hold about so many rows."""
    count = max(2, round(len(members) * size / rows))
    return np.concatenate([members[group] for group in random.integers(0, len(members), count)])


def interval(point: float | None, resampled: np.ndarray, confidence: float) -> dict[str, float] | None:
    """The percentile interval of a bootstrap; None if half of the resamples do not allow the metric."""
    good = resampled[np.isfinite(resampled)]
    if point is None or len(good) < max(1, len(resampled) // 2):
        return None
    low, high = np.quantile(good, [(1 - confidence) / 2, (1 + confidence) / 2])
    return {"value": point, "low": float(low), "high": float(high)}
