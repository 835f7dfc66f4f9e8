"""Rows like those of a loan application: seeded, so that each run has the same."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

SEED = 20_260
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


def make_rows(count: int, start: int = 0, *, labelled: bool = False) -> pd.DataFrame:
    """Rows with keys from ``start`` on.

    Args:
        count: How many.
        start: The first key.
        labelled: Whether the label is known.

    Returns:
        The column ID, the features, and GOOD: 0 or 1, or null where it is not known.
    """
    rng = np.random.default_rng(SEED + start)
    columns: dict[str, Any] = {"ID": np.arange(start, start + count)}
    columns |= {name: rng.normal(size=count) for name in NUMERIC}
    columns |= {name: rng.choice(np.array(values, dtype=object), count) for name, values in CATEGORIES.items()}
    rows = pd.DataFrame(columns)
    signal = rows.N0 - rows.N1 * rows.N2 + (rows.HOUSING == "Rented") + rng.normal(size=count)
    rows["GOOD"] = (signal > 0.5).astype("Int64") if labelled else pd.array([pd.NA] * count, dtype="Int64")
    return rows
