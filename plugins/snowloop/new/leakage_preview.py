"""Previews the leakage check of single features, with the code that the check itself runs."""

from collections.abc import Sequence
from random import Random
from typing import Any

import numpy as np
import pandas as pd

from snowloop.new.columns import NUMBERS, ColumnProfile
from snowloop.new.inferred_defaults import MAX_CLASSES, Label
from snowloop.project import Leakage
from snowloop_procedures.checks import leakage
from snowloop_procedures.requests import Feature, LeakageRequest

SPLITS = 3
MAX_ROWS, LEAST_ROWS, MAX_CELLS = 20_000, 1_000, 2_000_000
"""Rows that are drawn at most, at least of a wide file, and how many cells they have."""
BINS = 32
MOST_FEATURES = 25
"""Features that are measured in full: of a wide file those that a faster measure finds strongest."""
MARGIN = 0.05
"""How much the split of a run may differ from the ones that are tried here."""


def leakage_candidates(features: Sequence[ColumnProfile], label: Label) -> dict[str, float]:
    """Measure each feature alone, on some random splits of the rows.

    Returns:
        ROC AUC or R2 by name, the greatest first, of the features that come near the bound of the leakage check.
    """
    rows = range(len(label.column.texts))
    most = min(MAX_ROWS, max(LEAST_ROWS, MAX_CELLS // max(1, len(features))))
    drawn = Random(0).sample(rows, min(most, len(rows)))  # noqa: S311 - nobody gains by guessing it
    frame = pd.DataFrame({column.name: _values(column, drawn) for column in features})
    places = {value: place for place, value in enumerate(label.values)}
    labels = pd.Series([label.fold(label.column.texts[row]) for row in drawn]).map(places) if places else None
    frame["LABEL"] = _values(label.column, drawn) if labels is None else labels
    frame = frame[frame["LABEL"].notna()].reset_index(drop=True)
    features = _strongest(frame, features)
    request = LeakageRequest(
        query="",
        repeats="",
        features=tuple(Feature(each.name, _type(each)) for each in features),
        label="LABEL",
        task=label.task,
        classes=tuple(range(len(places))) if label.task == "multiclass" else (),
        seed=0,
    )
    highest: dict[str, float] = {}
    for split in range(SPLITS):
        frame["IS_HOLDOUT"] = np.random.default_rng(split).random(len(frame)) < 0.25
        for name, found in leakage.alone(frame, request).items():
            highest[name] = max(highest.get(name, -1.0), found.value if found else -1.0)
    bound = Leakage().max_single_feature - MARGIN
    return {name: highest[name] for name in sorted(highest, key=lambda each: -highest[each]) if highest[name] > bound}


def _strongest(frame: pd.DataFrame, features: Sequence[ColumnProfile]) -> list[ColumnProfile]:
    """The features whose bins or texts explain most of the label, by the correlation ratio: only those can predict it.

    Source: K. Pearson, On the general theory of skew correlation and non-linear regression, 1905.
    """
    label = frame["LABEL"].to_numpy(dtype=float)
    few = np.unique(label)
    # Of classes, each against the others: their numbers have no order.
    targets = [label == value for value in few] if len(few) <= MAX_CLASSES else [pd.Series(label).rank().to_numpy()]

    def explained(column: ColumnProfile) -> float:
        codes = pd.factorize(frame[column.name])[0] + 1
        if _type(column) == "FLOAT" and codes.max() > BINS:
            values = frame[column.name].to_numpy(dtype=float)
            edges = np.nanquantile(values, np.linspace(0, 1, BINS + 1)[1:-1])
            codes = np.where(np.isnan(values), BINS, np.searchsorted(edges, values))
        counts = np.maximum(np.bincount(codes), 1)
        return max(
            float(np.sum(np.bincount(codes, weights=target - target.mean()) ** 2 / counts) / (target.var() or 1.0))
            for target in (np.asarray(each, dtype=float) for each in targets)
        )

    return (
        sorted(features, key=explained, reverse=True)[:MOST_FEATURES] if len(features) > MOST_FEATURES else [*features]
    )


def _values(column: ColumnProfile, rows: Sequence[int]) -> Any:
    """The values of a column as the model gets them: numbers, flags as numbers, or text; None where there is none."""
    if column.kind in NUMBERS and not column.expression:
        read = {text: column.number(text) for text in column.counts}
        return np.array([read.get(column.texts[row], np.nan) for row in rows])
    texts = [text if text in column.counts else None for text in (column.texts[row] for row in rows)]
    if column.kind in NUMBERS:
        return [np.nan if text is None else column.number(text) for text in texts]
    if column.kind == "boolean":
        return [np.nan if text is None else float(text.strip().lower() == "true") for text in texts]
    return texts


def _type(column: ColumnProfile) -> str:
    return "FLOAT" if column.kind in (*NUMBERS, "boolean") else "VARCHAR"
