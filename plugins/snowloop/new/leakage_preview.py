"""Looks for columns that alone tell the label, by the very code of the leakage check that a run will make."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from snowloop.new.columns import NUMBERS, Looked
from snowloop.new.inferred_defaults import Label
from snowloop.new.table import Table
from snowloop.project.evaluation import Leakage
from snowloop_procedures import leakage
from snowloop_procedures.requests import Feature, LeakageRequest

SPLITS = 3
MOST_ROWS = 20_000
MARGIN = 0.05
"""So much may the run's own split differ from the ones that are tried here."""


def suspects(table: Table, columns: Sequence[Looked], features: Sequence[Looked], label: Label) -> dict[str, float]:
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
    frame = frame.sample(min(len(frame), MOST_ROWS), random_state=0).reset_index(drop=True)
    request = LeakageRequest(
        query="",
        features=tuple(Feature(each.name, _type(each)) for each in features),
        label="LABEL",
        task=label.task,
        classes=tuple(range(len(places))) if label.task == "multiclass" else (),
        seed=0,
    )
    alone = leakage.alone
    found: dict[str, float] = {}
    for split in range(SPLITS):
        frame["IS_HOLDOUT"] = np.random.default_rng(split).random(len(frame)) < 0.25
        for name, value in alone(frame, request).items():
            found[name] = max(found.get(name, -1.0), -1.0 if value is None else value)
    bound = Leakage().max_single_feature - MARGIN
    return {name: found[name] for name in sorted(found, key=lambda each: -found[each]) if found[name] > bound}


def _text(table: Table, columns: Sequence[Looked], column: Looked) -> list[str]:
    return list(table.columns[columns.index(column)])


def _values(table: Table, columns: Sequence[Looked], column: Looked) -> list[Any]:
    """The values of a column as the model gets them: numbers, flags as numbers, or text; None where there is none."""
    texts = [text if text in column.counts else None for text in _text(table, columns, column)]
    if column.kind in NUMBERS:
        return [np.nan if text is None else float(text) for text in texts]
    if column.kind == "boolean":
        return [np.nan if text is None else float(text.strip().lower() == "true") for text in texts]
    return texts


def _type(column: Looked) -> str:
    return "FLOAT" if column.kind in (*NUMBERS, "boolean") else "VARCHAR"
