"""What a metric is expected to be while labels are not known: the scores are taken for true probabilities.

Confidence-based performance estimation (CBPE): each row counts once with each class, with its probability as the
weight, so that for instance the expected number of true positives is the sum of the probabilities of the rows predicted
as 1. It is right for calibrated scores, whatever the rows; it cannot see that labels depend on the rows in another way.
J. Białek and others, Estimating Model Performance Under Covariate Shift Without Labels, 2024, arXiv:2401.08348;
NannyML's documentation, "Estimating Performance of Classification Models".
"""

import math

import numpy as np


def expected(name: str, score: np.ndarray, threshold: float = 0.5) -> float | None:
    """The expected value of a metric of classes.

    Args:
        name: Name of the metric.
        score: Probabilities of class 1, of shape (n,); of several classes of shape (n, classes).
        threshold: Score from which a row counts as class 1.

    Returns:
        The value; None of a regression, of no rows, of scores that are no probabilities, and of rows that do not allow
        the metric.
    """
    from sklearn import metrics as sk

    if not len(score) or not np.isfinite(score).all() or score.min() < 0 or score.max() > 1:
        return None
    several = score.ndim > 1
    weight = (score if several else np.column_stack([1 - score, score])).T.ravel()
    classes = score.shape[1] if several else 2
    label = np.repeat(np.arange(classes), len(score))
    repeated = np.tile(score, (classes, 1)) if several else np.tile(score, classes)
    predicted = np.asarray(repeated.argmax(axis=1) if several else repeated >= threshold, dtype=int)
    functions = {
        "roc_auc": lambda: sk.roc_auc_score(label, repeated, sample_weight=weight),
        "average_precision": lambda: sk.average_precision_score(label, repeated, sample_weight=weight),
        "f1": lambda: sk.f1_score(label, predicted, sample_weight=weight, zero_division=0),
        "accuracy": lambda: sk.accuracy_score(label, predicted, sample_weight=weight),
        "log_loss": lambda: sk.log_loss(label, repeated, sample_weight=weight),
        "brier": lambda: sk.brier_score_loss(label, repeated, sample_weight=weight),
        "balanced_accuracy": lambda: sk.balanced_accuracy_score(label, predicted, sample_weight=weight),
        "f1_macro": lambda: sk.f1_score(label, predicted, average="macro", sample_weight=weight, zero_division=0),
        "roc_auc_ovr": lambda: float(
            np.mean(
                [sk.roc_auc_score(label == each, repeated[:, each], sample_weight=weight) for each in range(classes)]
            )
        ),
    }
    if name not in functions or (weight.reshape(classes, -1).sum(axis=1) == 0).any():
        return None
    value = float(functions[name]())
    return value if math.isfinite(value) else None
