"""Rows like those of a loan application, and pipelines that score them: seeded, so that each run has the same."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import GradientBoostingClassifier, HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

SEED = 20_260
TRAINING_ROWS = 20_000
NUMERIC = [f"N{i}" for i in range(14)]
CATEGORIES = {
    "GENDER": ["F", "M"],
    "HOUSING": ["House", "Rented", "Parents", "Municipal", "Office"],
    "INCOME_TYPE": ["Working", "Pensioner", "Servant", "Associate", "Student"],
    "FAMILY": ["Married", "Single", "Civil", "Separated", "Widow"],
    "OCCUPATION": [f"Occupation {i}" for i in range(18)],
    "EDUCATION": ["Secondary", "Higher", "Incomplete", "Lower", "Degree"],
}
FEATURES = [*NUMERIC, *CATEGORIES]

MODELS: dict[str, Callable[[], Any]] = {
    "gradient boosting": lambda: GradientBoostingClassifier(random_state=0),
    "hist boosting": lambda: HistGradientBoostingClassifier(random_state=0),
    "logistic": lambda: LogisticRegression(max_iter=500),
}


def make_rows(count: int, start: int = 0) -> pd.DataFrame:
    """Rows with keys from ``start`` on.

    Args:
        count: How many.
        start: The first key.

    Returns:
        The column ID, then the features.
    """
    rng = np.random.default_rng(SEED + start)
    columns: dict[str, Any] = {"ID": np.arange(start, start + count)}
    columns |= {name: rng.normal(size=count) for name in NUMERIC}
    columns |= {name: rng.choice(np.array(values, dtype=object), count) for name, values in CATEGORIES.items()}
    return pd.DataFrame(columns)


def fit(name: str) -> Pipeline:
    """Train one of ``MODELS`` behind a one-hot encoder and a scaler."""
    rows = make_rows(TRAINING_ROWS)
    signal = (
        rows.N0 - rows.N1 * rows.N2 + (rows.HOUSING == "Rented") + np.random.default_rng(SEED).normal(size=len(rows))
    )
    encoder = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    columns = ColumnTransformer([("scaled", StandardScaler(), NUMERIC), ("encoded", encoder, list(CATEGORIES))])
    return Pipeline([("columns", columns), ("model", MODELS[name]())]).fit(rows[FEATURES], (signal > 0.5).astype(int))
