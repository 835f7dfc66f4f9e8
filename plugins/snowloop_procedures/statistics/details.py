"""Parts of an evaluation: slices, calibration, confusion and importance."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from snowloop_procedures.requests import EvaluationRequest
from snowloop_procedures.statistics import metrics as measures
from snowloop_procedures.statistics.intervals import INDEPENDENT, Dependence, interval

BINS = 10
MOST_VALUES = 20


def slices(
    request: EvaluationRequest,
    frame: pd.DataFrame,
    label: np.ndarray,
    score: np.ndarray,
    dependence: Dependence = INDEPENDENT,
) -> list[dict[str, Any]]:
    """The deciding metric in each part of the held-out rows, with its interval.

    Args:
        request: The slices, and what to measure.
        frame: The n held-out rows, with a column SLICE_<place> for each declared slice.
        label: Labels, of shape (n,).
        score: The candidate's scores, of shape (n,) or (n, classes).
        dependence: Which rows are not independent.

    Returns:
        Column, part, rows, ``events`` (of classes the rows of the rarest one), value, ``low`` and ``high`` of each;
        beyond twenty parts of a column the smallest are one part, ``(others)``.
    """
    plan, parts = request.plan, []
    for place, declared in enumerate(request.slices):
        named = slice_parts(frame[f"SLICE_{place}"], declared.edges)
        for part in sorted(named.unique()):
            inside = (named == part).to_numpy()
            true, given = label[inside], score[inside]
            value = measures.value(request.metric, true, given, plan.threshold)
            ends = interval(request.metric, true, given, plan.threshold, plan.confidence, dependence.of(inside)) or {}
            named_part = {"column": declared.column, "part": part, "rows": len(true), "value": value}
            events = measures.support(request.task, true, given)
            parts.append({**named_part, "events": events, "low": ends.get("low"), "high": ends.get("high")})
    return parts


def slice_parts(column: pd.Series, edges: Sequence[float]) -> pd.Series:
    """The part of each of n rows by the values of a column.

    Args:
        column: The values.
        edges: Of numbers, where one part ends and the next begins; without any each value is a part.

    Returns:
        Names of the parts; beyond twenty values the rarest are one part, ``(others)``.
    """
    if edges:
        cut = pd.cut(column.astype(float), [-np.inf, *edges, np.inf], right=False)
        names = {each: _range(each.left, each.right) for each in cut.cat.categories}
        return cut.astype(object).map(names).fillna("(null)").astype(str)
    named = column.astype(object).where(column.notna(), "(null)").astype(str)
    kept = named.value_counts().index[:MOST_VALUES]
    return named.where(named.isin(kept), "(others)")


def _range(left: float, right: float) -> str:
    if np.isinf(left):
        return f"below {right:g}"
    return f"{left:g} and more" if np.isinf(right) else f"{left:g} to {right:g}"


def calibration(task: str, label: np.ndarray, score: np.ndarray) -> dict[str, Any]:
    """Scores against observed rates, in bins of about equally many rows; equal scores are in one bin.

    Of several classes the likeliest one counts: its probability, and how often the row is of it (top-label calibration;
    Guo et al. 2017, https://arxiv.org/abs/1706.04599). On few rows the error of a model that is calibrated exactly is
    above 0 too (Roelofs et al. 2022, https://arxiv.org/abs/2012.08668); ``by_chance`` is how far.
    ``calibration_curve`` of scikit-learn tears equal scores apart by quantile bins, and has no regression.

    Args:
        task: Of a regression the error is in units of the labels' standard deviation.
        label: Labels, of shape (n,).
        score: The candidate's scores, of shape (n,) or (n, classes).

    Returns:
        ``bins`` with rows, mean score and mean label; ``error``: their mean distance, weighted by rows; ``by_chance``:
        what that would be on average for exact scores, of which each bin's distance is normal around 0 with its
        standard error s, and so s * sqrt(2 / pi) from it (the mean of the half-normal distribution).
    """
    if not len(label) or not np.isfinite(score).all():
        return {"bins": [], "error": None, "by_chance": None}
    if task == "multiclass":
        label, score = (measures.predicted_class(score) == label).astype(float), score.max(axis=1)
    parts = _bins(score)
    bins = [
        {"rows": len(part), "score": float(score[part].mean()), "label": float(label[part].mean())} for part in parts
    ]
    error = sum(each["rows"] * abs(each["score"] - each["label"]) for each in bins) / len(label)
    several = [part for part in parts if len(part) > 1]  # one row has no standard deviation
    deviations = [float(np.std(label[part] - score[part], ddof=1)) for part in several]
    chance = sum(
        len(part) * deviation * np.sqrt(2 / (np.pi * len(part)))
        for part, deviation in zip(several, deviations, strict=True)
    ) / len(label)
    unit = float(label.std()) if task == "regression" else 1.0
    figures = {"error": error, "by_chance": chance}
    return {"bins": bins, **{name: float(each / unit) if unit else None for name, each in figures.items()}}


def _bins(score: np.ndarray) -> list[np.ndarray]:
    """Positions of the rows by score, cut into bins; a cut between equal scores goes to the nearer end of them.

    Otherwise the order in which equal scores happen to stand, that of the key, would decide on the error.
    """
    order = np.argsort(score, kind="stable")
    ordered = score[order]
    sizes = [len(part) for part in np.array_split(order, min(BINS, len(score)))]
    cuts = np.cumsum(sizes)[:-1]
    first, last = (np.searchsorted(ordered, ordered[cuts], side) for side in ("left", "right"))
    ends = np.unique(np.where(cuts - first <= last - cuts, first, last))
    return np.split(order, ends[(ends > 0) & (ends < len(score))])


def confusion(task: str, label: np.ndarray, score: np.ndarray, threshold: float) -> dict[str, int]:
    """How many rows of each class are predicted right and wrong at the threshold; empty for other tasks.

    Args:
        task: ``classification``, or a task that has none of this.
        label: Labels, of shape (n,).
        score: Probabilities of class 1, of shape (n,).
        threshold: Score from which a row counts as class 1.

    Returns:
        ``true_negative``, ``false_positive``, ``false_negative`` and ``true_positive``.
    """
    from sklearn.metrics import confusion_matrix

    if task != "classification":
        return {}
    names = ("true_negative", "false_positive", "false_negative", "true_positive")
    if not len(label):
        return dict.fromkeys(names, 0)
    matrix = confusion_matrix(label, measures.predicted_class(score, threshold), labels=[0, 1])
    return {name: int(rows) for name, rows in zip(names, matrix.ravel(), strict=True)}


def each_class(classes: Sequence[int | str], label: np.ndarray, score: np.ndarray) -> list[dict[str, Any]]:
    """How well each of several classes is predicted: a row of the confusion matrix, and the usual figures.

    Args:
        classes: The classes, in order; none of another task.
        label: Positions of the true classes, of shape (n,).
        score: The candidate's probabilities, of shape (n, classes).

    Returns:
        For each class its name, rows, ``predicted`` (how many of its rows were predicted as which class), precision,
        recall, F1 and the ROC AUC against the rest; a figure is None where there are no rows to compute it from.
    """
    from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

    if not classes or not len(label) or not np.isfinite(score).all():
        return []
    predicted, places = measures.predicted_class(score), range(len(classes))
    matrix = confusion_matrix(label, predicted, labels=places)
    figures = precision_recall_fscore_support(label, predicted, labels=places, zero_division=np.nan)
    named = dict(zip(("precision", "recall", "f1"), figures, strict=False))
    named["roc_auc"] = measures.roc_auc_one_vs_rest(label, score)
    return [
        {
            "name": str(name),
            "rows": int(matrix[place].sum()),
            "predicted": {str(classes[other]): int(rows) for other, rows in enumerate(matrix[place]) if rows},
            **{each: float(values[place]) if np.isfinite(values[place]) else None for each, values in named.items()},
        }
        for place, name in enumerate(classes)
    ]


def importance(request: EvaluationRequest, model: Any, rows: pd.DataFrame, label: np.ndarray) -> dict[str, float]:
    """By how much the deciding metric gets worse when a feature's values are shuffled.

    Args:
        request: What to measure.
        model: The fitted model.
        rows: The n held-out rows.
        label: Labels, of shape (n,).

    Returns:
        The loss by feature, the greatest first; empty if the rows do not allow the metric.
    """
    from sklearn.inspection import permutation_importance

    plan, sign = request.plan, 1 if request.higher_is_better else -1
    random = np.random.default_rng(request.seed % measures.SEEDS)
    chosen = np.sort(random.permutation(len(rows))[: plan.importance_rows])
    some, true = rows.iloc[chosen], label[chosen]

    def scored(fitted: Any, shuffled: pd.DataFrame, labels: np.ndarray) -> float:
        score = measures.scores(fitted, shuffled, request.task)
        return sign * (measures.value(request.metric, labels, score, plan.threshold) or 0.0)

    score = measures.scores(model, some, request.task)
    if not len(some) or measures.value(request.metric, true, score, plan.threshold) is None:
        return {}
    state = int(random.integers(0, 2**31))
    losses = permutation_importance(model, some, true, scoring=scored, n_repeats=2, random_state=state)
    by_feature = dict(zip(some.columns, losses.importances_mean, strict=True))
    return {name: float(value) for name, value in sorted(by_feature.items(), key=lambda item: (-item[1], item[0]))}
