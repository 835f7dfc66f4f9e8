"""What a model must beat: the best constant for the metric, and a simple linear model of numbers and texts."""

from typing import Any

import numpy as np
import pandas as pd

from snowloop_procedures.requests import EvaluationRequest
from snowloop_procedures.statistics import metrics as measures

MOST_TEXTS = 100
"""Columns that a text becomes at most; the rarer ones share one."""
LARGEST = 1e100
"""What a linear model can scale: the squares of larger numbers are infinite."""


def baselines(training: pd.DataFrame, held_out: pd.DataFrame, request: EvaluationRequest) -> dict[str, np.ndarray]:
    """Scores of the best constant, ``dummy``, and of a linear model, ``simple``.

    Args:
        training: Rows to fit on.
        held_out: The n rows to score.
        request: What the rows are, and the metric.

    Returns:
        Scores of each, of shape (n,) or (n, classes); without ``simple`` where there is nothing to fit.
    """
    classes = request.classes
    label = measures.encode_labels(training[request.label], classes)
    if not len(label):
        return {}
    best = constant(request.metric, request.task, label, len(classes))
    scores = {"dummy": np.full((len(held_out), *np.shape(best)), best)}
    if label.min() == label.max() or held_out.empty:
        return scores
    model = _simple(request)
    model.fit(measures.inputs(training, request.features), label if request.task == "regression" else label.astype(int))
    simple = measures.scores(model, measures.inputs(held_out, request.features), request.task)
    scores["simple"] = measures.expand_to_all_classes(simple, model.classes_, len(classes)) if classes else simple
    return scores


def constant(metric: str, task: str, label: np.ndarray, classes: int = 0) -> Any:
    """The score that is best for a metric if every row gets the same one.

    The mean absolute error is least at the median, the squared one and the Brier score at the mean; the log loss at the
    share of each class, which is smoothed as by Laplace, (k + 1) / (n + classes), so that a class that is rare in
    training does not cost too much. The F1 of always 1 is 2 p / (1 + p) for a share p, that of always 0 is 0; the
    accuracy is best at the more frequent class. A constant ranks nothing, so for ROC AUC and average precision any is
    as good. Of several classes the metrics of predicted classes are best at the most frequent one, which the shares
    predict.

    Args:
        metric: Name of the metric.
        task: ``classification``, ``multiclass`` or ``regression``.
        label: Labels of the training rows, of shape (n,).
        classes: Number of classes of a multiclass label.

    Returns:
        A number, or of several classes an array of shape (classes,).
    """
    if task == "regression":
        return float(np.median(label) if metric == "mae" else label.mean())
    rows, smoothed = np.bincount(label.astype(int), minlength=classes or 2), int(metric == "log_loss")
    shares = (rows + smoothed) / (len(label) + smoothed * len(rows))
    if task == "multiclass":
        return shares
    if metric in ("f1", "accuracy"):
        return 1.0 if metric == "f1" or shares[1] > shares[0] else 0.0
    return float(shares[1])


def _simple(request: EvaluationRequest) -> Any:
    """Logistic or ridge regression on the numbers and the texts: scaled, and one column a text.

    Infinity is a missing value here: a model may well take it, and the baseline must not fail its evaluation.
    """
    from sklearn.compose import make_column_transformer
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression, Ridge
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

    kinds = {kind: [each.name for each in request.features if each.type == kind] for kind in ("FLOAT", "VARCHAR")}
    scaled = make_pipeline(
        FunctionTransformer(lambda numbers: numbers.where(numbers.abs() < LARGEST)),
        SimpleImputer(strategy="median", keep_empty_features=True),
        StandardScaler(),
    )
    coded = make_pipeline(
        SimpleImputer(missing_values=pd.NA, strategy="constant", fill_value="(missing)", keep_empty_features=True),
        OneHotEncoder(handle_unknown="infrequent_if_exist", min_frequency=10, max_categories=MOST_TEXTS),
    )
    columns = make_column_transformer((scaled, kinds["FLOAT"]), (coded, kinds["VARCHAR"]))
    linear = Ridge() if request.task == "regression" else LogisticRegression(max_iter=1000)
    return make_pipeline(columns, linear)
