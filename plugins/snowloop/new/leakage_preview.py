"""Previews the leakage check of single features, with the code that the check itself runs."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from snowloop.new.columns import NUMBERS, ColumnProfile
from snowloop.new.inferred_defaults import Label
from snowloop.new.table import Table
from snowloop.project import Leakage
from snowloop_procedures import leakage
from snowloop_procedures.requests import Feature, LeakageRequest

SPLITS = 3
MAX_ROWS = 20_000
MARGIN = 0.05
"""How much the split of a run may differ from the ones that are tried here."""


def leakage_candidates(
    table: Table, columns: Sequence[ColumnProfile], features: Sequence[ColumnProfile], label: Label
) -> dict[str, float]:
    """Measure each feature alone, on some random splits of the rows.

    Args:
        table: The file.
        columns: Its columns.
        features: Those that are to be features.
        label: The label.

    Returns:
        ROC AUC or R2 by name, the greatest first, of the features that come near the bound of the leakage check.
    """
    frame = pd.DataFrame({column.name: _values(table, columns, column) for column in features})
    places = {value: place for place, value in enumerate(label.values)}
    texts = pd.Series(_text(table, columns, label.column))
    frame["LABEL"] = texts.map(places) if places else _values(table, columns, label.column)
    frame = frame[frame["LABEL"].notna()]
    frame = frame.sample(min(len(frame), MAX_ROWS), random_state=0).reset_index(drop=True)
    request = LeakageRequest(
        query="",
        features=tuple(Feature(each.name, _type(each)) for each in features),
        label="LABEL",
        task=label.task,
        classes=tuple(range(len(places))) if label.task == "multiclass" else (),
        seed=0,
    )
    alone = leakage.alone
    highest: dict[str, float] = {}
    for split in range(SPLITS):
        frame["IS_HOLDOUT"] = np.random.default_rng(split).random(len(frame)) < 0.25
        for name, value in alone(frame, request).items():
            highest[name] = max(highest.get(name, -1.0), -1.0 if value is None else value)
    bound = Leakage().max_single_feature - MARGIN
    return {name: highest[name] for name in sorted(highest, key=lambda each: -highest[each]) if highest[name] > bound}


def _text(table: Table, columns: Sequence[ColumnProfile], column: ColumnProfile) -> list[str]:
    return list(table.columns[columns.index(column)])


def _values(table: Table, columns: Sequence[ColumnProfile], column: ColumnProfile) -> list[Any]:
    """The values of a column as the model gets them: numbers, flags as numbers, or text; None where there is none."""
    texts = [text if text in column.counts else None for text in _text(table, columns, column)]
    if column.kind in NUMBERS:
        return [np.nan if text is None else float(text) for text in texts]
    if column.kind == "boolean":
        return [np.nan if text is None else float(text.strip().lower() == "true") for text in texts]
    return texts


def _type(column: ColumnProfile) -> str:
    return "FLOAT" if column.kind in (*NUMBERS, "boolean") else "VARCHAR"
