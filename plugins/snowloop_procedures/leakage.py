"""How well each feature predicts the label alone; staged beside the handler of the evaluation procedure."""

from typing import Any

import numpy as np
import pandas as pd
from snowflake.snowpark import Session

from snowloop_procedures import metrics as measures

LEAVES, LEAF_ROWS = 16, 20


def single_features(session: Session, order: dict[str, Any]) -> dict[str, Any]:
    """Fit a small tree on each feature alone, and measure it on the held-out rows.

    Args:
        session: The procedure's session.
        order: ``query``, ``features``, ``label``, ``task`` and ``seed``.

    Returns:
        ``values``: for each feature its ROC AUC (of several classes the mean over those that can be told from the
        others in the held-out rows) or R2; None if the rows do not allow it. ``training`` and ``held_out``: how many
        ``rows`` were asked, and how many ``labels`` they have.
    """
    frame = session.sql(order["query"]).to_pandas()
    held_out = frame["IS_HOLDOUT"].astype(bool)
    parts = {"training": frame[~held_out], "held_out": frame[held_out]}
    counts = {name: {"rows": len(part), "labels": int(part[order["label"]].nunique())} for name, part in parts.items()}
    return {"values": alone(frame, order), **counts}


def alone(frame: pd.DataFrame, order: dict[str, Any]) -> dict[str, float | None]:
    """How well each feature of some rows predicts their label.

    Args:
        frame: Features, label and IS_HOLDOUT.
        order: ``features``, ``label``, ``task``, ``classes`` and ``seed``.

    Returns:
        For each feature its ROC AUC or R2 on the held-out rows; None if the rows do not allow it.
    """
    held_out = frame["IS_HOLDOUT"].astype(bool).to_numpy()
    label = measures.truth(frame[order["label"]], order["classes"])
    rows = measures.inputs(frame, order["features"])
    return {name: _alone(rows[name], label, held_out, order) for name in rows.columns}


def _alone(column: pd.Series, label: np.ndarray, held_out: np.ndarray, order: dict[str, Any]) -> float | None:
    from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

    classification = order["task"] != "regression"
    train = ~held_out
    if not train.any() or not held_out.any() or (classification and label[train].min() == label[train].max()):
        return None
    values = _numbers(column, label, train, order) if column.dtype == object else column.to_frame()
    kind = DecisionTreeClassifier if classification else DecisionTreeRegressor
    leaf = max(1, min(LEAF_ROWS, int(train.sum()) // 10))
    leaves = max(LEAVES, 2 * len(order["classes"]))
    tree = kind(max_leaf_nodes=leaves, min_samples_leaf=leaf, random_state=order["seed"] % measures.SEEDS)
    tree.fit(values[train], label[train].astype(int) if classification else label[train])
    score = measures.scores(tree, values[held_out], order["task"])
    if order["task"] == "multiclass":
        score = measures.spread(score, tree.classes_, len(order["classes"]))
        known = measures.one_against_others(label[held_out], score)
        return float(np.nanmean(known)) if np.isfinite(known).any() else None
    return measures.value("roc_auc" if classification else "r2", label[held_out], score)


def _numbers(column: pd.Series, label: np.ndarray, train: np.ndarray, order: dict[str, Any]) -> pd.DataFrame:
    """A text as numbers: the mean label of its training rows, or how often they are of each class."""
    known = column.fillna("")
    told = [label == place for place in np.unique(label[train])] if order["task"] == "multiclass" else [label]
    means = [known.map(pd.Series(each[train]).groupby(known[train].to_numpy()).mean()) for each in told]
    filled = [mean.fillna(each[train].mean()) for mean, each in zip(means, told, strict=True)]
    return pd.DataFrame({str(place): mean for place, mean in enumerate(filled)})
