"""Parts of an evaluation: baselines, slices, calibration, confusion and importance; staged beside its handler."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from snowloop_procedures import metrics as measures

BINS = 10
MOST_VALUES = 20


def baselines(training: pd.DataFrame, held_out: pd.DataFrame, order: dict[str, Any]) -> dict[str, np.ndarray]:
    """Scores of a dummy (the mean label, or each class's share) and of a simple linear model, for the held-out rows.

    Args:
        training: Rows to fit on.
        held_out: Rows to score.
        order: ``features``, ``label``, ``classes`` and ``task``.

    Returns:
        ``dummy`` and ``simple``; without ``simple`` where there is nothing to fit.
    """
    classes = order["classes"]
    label = measures.truth(training[order["label"]], classes)
    if not len(label):
        return {}
    shares = np.bincount(label, minlength=len(classes)) / len(label) if classes else label.mean()
    found = {"dummy": np.full((len(held_out), *np.shape(shares)), shares)}
    if label.min() == label.max() or held_out.empty:
        return found
    model = _simple(order)
    model.fit(
        measures.inputs(training, order["features"]), label if order["task"] == "regression" else label.astype(int)
    )
    said = measures.scores(model, measures.inputs(held_out, order["features"]), order["task"])
    found["simple"] = measures.spread(said, model.classes_, len(classes)) if classes else said
    return found


def _simple(order: dict[str, Any]) -> Any:
    """Logistic or ridge regression on the numbers; where there are none, on the texts."""
    from sklearn.compose import make_column_transformer
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression, Ridge
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    numbers = [feature["name"] for feature in order["features"] if feature["type"] == "FLOAT"]
    texts = [feature["name"] for feature in order["features"]]
    scaled = make_pipeline(SimpleImputer(strategy="median", keep_empty_features=True), StandardScaler())
    coded = OneHotEncoder(handle_unknown="ignore", min_frequency=10)
    taken = make_column_transformer((scaled, numbers) if numbers else (coded, texts))
    linear = Ridge() if order["task"] == "regression" else LogisticRegression(max_iter=1000)
    return make_pipeline(taken, linear)


def slices(order: dict[str, Any], frame: pd.DataFrame, label: np.ndarray, score: np.ndarray) -> list[dict[str, Any]]:
    """The deciding metric in each part of the held-out rows.

    Args:
        order: ``slices``, ``metric`` and ``plan``.
        frame: The held-out rows, with a column SLICE_<n> for each declared slice.
        label: What was true.
        score: The candidate's scores.

    Returns:
        Column, part, rows and value of each; beyond twenty parts of a column the smallest are one part, ``(others)``.
    """
    found = []
    for place, declared in enumerate(order["slices"]):
        named = _parts(frame[f"SLICE_{place}"], declared["edges"])
        for part in sorted(named.unique()):
            inside = (named == part).to_numpy()
            value = measures.value(order["metric"], label[inside], score[inside], order["plan"]["threshold"])
            found.append({"column": declared["column"], "part": part, "rows": int(inside.sum()), "value": value})
    return found


def _parts(column: pd.Series, edges: list[float]) -> pd.Series:
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
    """Scores against what came true, in bins of about equally many rows; equal scores are in one bin.

    Of several classes it is asked of the likeliest: how probable it is, and how often the row is of it (top-label
    calibration; Guo et al. 2017, https://arxiv.org/abs/1706.04599). On few rows the error of a model that is calibrated
    exactly is above 0 too (Roelofs et al. 2022, https://arxiv.org/abs/2012.08668); how far, is told beside it.

    Args:
        task: For a regression the error is told as a share of the labels' standard deviation.
        label: What was true.
        score: The candidate's scores.

    Returns:
        ``bins`` with rows, mean score and mean label; ``error``: their mean distance, weighted by rows; ``by_chance``:
        what that would be on average for exact scores, of which each bin's distance is normal around 0 with its
        standard error s, and so s * sqrt(2 / pi) from it (the mean of the half-normal distribution).
    """
    if not len(label) or not np.isfinite(score).all():
        return {"bins": [], "error": None, "by_chance": None}
    if task == "multiclass":
        label, score = (measures.said(score) == label).astype(float), score.max(axis=1)
    parts = _bins(score)
    bins = [
        {"rows": len(part), "score": float(score[part].mean()), "label": float(label[part].mean())} for part in parts
    ]
    error = sum(each["rows"] * abs(each["score"] - each["label"]) for each in bins) / len(label)
    sure = [part for part in parts if len(part) > 1]  # of one row no spread is known
    spreads = [float(np.std(label[part] - score[part], ddof=1)) for part in sure]
    chance = sum(
        len(part) * spread * np.sqrt(2 / (np.pi * len(part))) for part, spread in zip(sure, spreads, strict=True)
    ) / len(label)
    unit = float(label.std()) if task == "regression" else 1.0
    told = {"error": error, "by_chance": chance}
    return {"bins": bins, **{name: float(each / unit) if unit else None for name, each in told.items()}}


def _bins(score: np.ndarray) -> list[np.ndarray]:
    """Places of the rows by score, cut into bins; a cut between equal scores goes to the nearer end of them.

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
    """How many rows of each class were told right and wrong at the threshold; empty for other tasks."""
    if task != "classification":
        return {}
    said, true = score >= threshold, label == 1
    return {
        "true_positive": int((said & true).sum()),
        "false_positive": int((said & ~true).sum()),
        "false_negative": int((~said & true).sum()),
        "true_negative": int((~said & ~true).sum()),
    }


def each_class(classes: Sequence[int | str], label: np.ndarray, score: np.ndarray) -> list[dict[str, Any]]:
    """How well each of several classes is told: a row of the confusion matrix, and the usual figures.

    Args:
        classes: The classes, in order; none of another task.
        label: What was true.
        score: The candidate's probabilities.

    Returns:
        For each class its name, rows, ``told`` (how many of its rows were told as which class), precision, recall, F1
        and the ROC AUC against all others; a figure is None where there are no rows to compute it from.
    """
    if not classes or not len(label) or not np.isfinite(score).all():
        return []
    said, count = measures.said(score), len(classes)
    matrix = np.bincount(label * count + said, minlength=count * count).reshape(count, count)
    areas = measures.one_against_others(label, score)
    found = []
    for place, name in enumerate(classes):
        right, rows, told = (int(each) for each in (matrix[place, place], matrix[place].sum(), matrix[:, place].sum()))
        found.append(
            {
                "name": str(name),
                "rows": rows,
                "predicted": {str(classes[other]): int(n) for other, n in enumerate(matrix[place]) if n},
                "precision": right / told if told else None,
                "recall": right / rows if rows else None,
                "f1": 2 * right / (rows + told) if rows + told else None,
                "roc_auc": areas[place] if np.isfinite(areas[place]) else None,
            }
        )
    return found


def importance(order: dict[str, Any], model: Any, rows: pd.DataFrame, label: np.ndarray) -> dict[str, float]:
    """By how much the deciding metric gets worse when a feature's values are shuffled.

    Args:
        order: ``metric``, ``higher_is_better``, ``plan``, ``task`` and ``seed``.
        model: The fitted model.
        rows: The held-out rows.
        label: What was true.

    Returns:
        The loss by feature, the greatest first; empty if the rows do not allow the metric.
    """
    from sklearn.inspection import permutation_importance

    plan, sign = order["plan"], 1 if order["higher_is_better"] else -1
    random = np.random.default_rng(order["seed"] % measures.SEEDS)
    chosen = np.sort(random.permutation(len(rows))[: plan["importance_rows"]])
    some, true = rows.iloc[chosen], label[chosen]

    def scored(fitted: Any, shuffled: pd.DataFrame, told: np.ndarray) -> float:
        score = measures.scores(fitted, shuffled, order["task"])
        return sign * (measures.value(order["metric"], told, score, plan["threshold"]) or 0.0)

    said = measures.scores(model, some, order["task"])
    if not len(some) or measures.value(order["metric"], true, said, plan["threshold"]) is None:
        return {}
    state = int(random.integers(0, 2**31))
    lost = permutation_importance(model, some, true, scoring=scored, n_repeats=2, random_state=state)
    found = dict(zip(some.columns, lost.importances_mean, strict=True))
    return {name: float(value) for name, value in sorted(found.items(), key=lambda item: (-item[1], item[0]))}
