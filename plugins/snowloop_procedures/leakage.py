"""How well each feature predicts the label alone."""

from typing import Any

import numpy as np
import pandas as pd
from snowflake.snowpark import Session

from snowloop_procedures import metrics as measures
from snowloop_procedures.requests import LeakageRequest

LEAVES, LEAF_ROWS = 16, 20


def single_features(session: Session, request: LeakageRequest) -> dict[str, Any]:
    """Fit a small tree on each feature alone, and measure it on the held-out rows.

    Args:
        session: The procedure's session.
        request: The query of the rows, and what they are.

    Returns:
        ``values``: for each feature its ROC AUC (of several classes the mean over those for which the held-out rows
        allow it) or R2; None if the rows do not allow it. ``training`` and ``held_out``: how many
        ``rows`` there are, and how many different ``labels``.
    """
    frame = session.sql(request.query).to_pandas()
    held_out = frame["IS_HOLDOUT"].astype(bool)
    parts = {"training": frame[~held_out], "held_out": frame[held_out]}
    counts = {name: {"rows": len(part), "labels": int(part[request.label].nunique())} for name, part in parts.items()}
    return {"values": alone(frame, request), **counts}


def alone(frame: pd.DataFrame, request: LeakageRequest) -> dict[str, float | None]:
    """How well each feature of some rows predicts their label.

    Args:
        frame: Features, label and IS_HOLDOUT.
        request: What the rows are.

    Returns:
        For each feature its ROC AUC or R2 on the held-out rows; None if the rows do not allow it.
    """
    held_out = frame["IS_HOLDOUT"].astype(bool).to_numpy()
    label = measures.encode_labels(frame[request.label], request.classes)
    rows = measures.inputs(frame, request.features)
    return {name: _alone(rows[name], label, held_out, request) for name in rows.columns}


def _alone(column: pd.Series, label: np.ndarray, held_out: np.ndarray, request: LeakageRequest) -> float | None:
    from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

    classification = request.task != "regression"
    train = ~held_out
    if not train.any() or not held_out.any() or (classification and label[train].min() == label[train].max()):
        return None
    values = _numbers(column, label, train, request) if column.dtype == object else column.to_frame()
    kind = DecisionTreeClassifier if classification else DecisionTreeRegressor
    leaf = max(1, min(LEAF_ROWS, int(train.sum()) // 10))
    leaves = max(LEAVES, 2 * len(request.classes))
    tree = kind(max_leaf_nodes=leaves, min_samples_leaf=leaf, random_state=request.seed % measures.SEEDS)
    tree.fit(values[train], label[train].astype(int) if classification else label[train])
    score = measures.scores(tree, values[held_out], request.task)
    if request.task == "multiclass":
        score = measures.expand_to_all_classes(score, tree.classes_, len(request.classes))
        areas = measures.roc_auc_one_vs_rest(label[held_out], score)
        return float(np.nanmean(areas)) if np.isfinite(areas).any() else None
    return measures.value("roc_auc" if classification else "r2", label[held_out], score)


def _numbers(column: pd.Series, label: np.ndarray, train: np.ndarray, request: LeakageRequest) -> pd.DataFrame:
    """A text as numbers: the mean label of its training rows, or how often they are of each class."""
    texts = column.fillna("")
    labels = [label == place for place in np.unique(label[train])] if request.task == "multiclass" else [label]
    means = [texts.map(pd.Series(each[train]).groupby(texts[train].to_numpy()).mean()) for each in labels]
    filled = [mean.fillna(each[train].mean()) for mean, each in zip(means, labels, strict=True)]
    return pd.DataFrame({str(place): mean for place, mean in enumerate(filled)})
