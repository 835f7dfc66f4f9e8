"""Rows like those of a loan application: seeded, so that each run has the same."""

from __future__ import annotations

from datetime import UTC, datetime
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


def make_rows(count: int, start: int = 0, *, labelled: bool = False, past_days: int = 0) -> pd.DataFrame:
    """Rows with keys from ``start`` on.

    Args:
        count: How many.
        start: The first key.
        labelled: Whether the label is known.
        past_days: Over how many days before today the rows happened, in the order of their keys; 0: now.

    Returns:
        The columns ID and HAPPENED_AT (UTC), the features, and GOOD: 0 or 1, or null where it is not known.
    """
    rng = np.random.default_rng(SEED + start)
    now = np.datetime64(datetime.now(UTC).replace(tzinfo=None), "s")
    ages = np.linspace(past_days * 86_400, 86_400, count) if past_days else np.zeros(count)
    columns: dict[str, Any] = {
        "ID": np.arange(start, start + count),
        "HAPPENED_AT": now - ages.astype("timedelta64[s]"),
    }
    columns |= {name: rng.normal(size=count) for name in NUMERIC}
    columns |= {name: rng.choice(np.array(values, dtype=object), count) for name, values in CATEGORIES.items()}
    rows = pd.DataFrame(columns)
    signal = rows.N0 - rows.N1 * rows.N2 + (rows.HOUSING == "Rented") + rng.normal(size=count)
    rows["GOOD"] = (signal > 0.5).astype("Int64") if labelled else pd.array([pd.NA] * count, dtype="Int64")
    return rows
