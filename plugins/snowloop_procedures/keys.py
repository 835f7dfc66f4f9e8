"""Names the keys that do not have one result for each row; ``features/queries.sql#keys_not_once`` finds them."""

from collections.abc import Sequence
from typing import Any


def name_keys(rows: Sequence[Any]) -> str:
    """Say which keys have another number of results than of rows.

    Args:
        rows: Rows of ``keys_not_once``: a few of the keys, how many rows and results each has, and how many such keys
            there are in all.

    Returns:
        The words; empty if there is no such key.
    """
    if not rows:
        return ""
    named = "; ".join(f"key {row['SNOWLOOP_KEY']}: {_times(row)}" for row in rows)
    more = int(rows[0]["SNOWLOOP_KEYS"]) - len(rows)
    return f"{named}; and {more} more" if more else named


def _times(row: Any) -> str:
    rows, results = int(row["SNOWLOOP_ROWS"]), int(row["SNOWLOOP_RESULTS"])
    return f"{results or 'no'} result{'' if results == 1 else 's'} for {rows or 'no'} row{'' if rows == 1 else 's'}"
