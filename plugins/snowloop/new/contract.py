"""Turns the profile of a column into its declaration: a type, a contract with some slack, and a comment."""

import math
from typing import Any

from snowloop.new.columns import NUMBERS, TIMES, TYPES, ColumnProfile

MAX_CATEGORIES = 20
SLACK = 0.5
LOOK = "; look"
"""The end of a line that a person should check."""


def declared(column: ColumnProfile) -> dict[str, Any]:
    """The declaration in project.yaml of a column that is neither key nor label."""
    declaration = _typed(column)
    if not column.nulls:
        declaration["nullable"] = False
    if column.identifies or column.epoch:  # what comes later is larger
        return declaration | field(column)
    if column.kind in NUMBERS:
        low, high = range_with_slack(column)
        declaration |= {"min": low, "max": high}
    elif is_category(column):
        declaration["allowed"] = sorted(column.counts)
    return declaration | field(column)


def declared_key(column: ColumnProfile, *, alone: bool) -> dict[str, Any]:
    """The declaration of a key column, ``alone`` or one of several."""
    declaration = _typed(column) | ({"type": TYPES["integer"]} if column.whole else {}) | {"nullable": False}
    return (declaration | {"unique": True} if alone else declaration) | field(column)


def declared_label(column: ColumnProfile, *, classes: bool, folded: bool) -> dict[str, Any]:
    """The declaration of the label's column: null while it is not known, and one of the ``classes`` if it has them.

    Args:
        folded: Whether several texts are one class, so that the texts of the file are not all that may come.
    """
    declaration = _typed(column)
    if classes and column.whole:
        low, high = column.numbers
        declaration |= {"min": int(low), "max": int(high)}
    elif classes and column.kind == "text" and not folded:
        declaration["allowed"] = sorted(column.counts)
    return declaration | {"known_after_label": True} | field(column)


def _typed(column: ColumnProfile) -> dict[str, Any]:
    """The type, the texts that mean null in this column alone, and what a text stands for that COPY does not read."""
    declaration: dict[str, Any] = {"type": "VARCHAR" if column.expression else TYPES[column.kind]}
    if any(column.null_counts):
        declaration["null_values"] = sorted(filter(None, column.null_counts))
    if column.expression:
        declaration["value"] = column.expression
    return declaration


def field(column: ColumnProfile) -> dict[str, Any]:
    """The name in the file, where it differs from that in SQL."""
    return {} if column.header.upper() == column.name else {"field": column.header}


def range_with_slack(column: ColumnProfile) -> tuple[float, float]:
    """The range of a column of numbers with slack, in round numbers; it does not cross zero by slack alone.

    Args:
        column: A column of numbers.

    Returns:
        Lowest and highest value to allow.
    """
    low, high = column.numbers
    if column.kind == "integer" and (low, high) == (0, 1):
        return 0, 1
    slack = SLACK * (high - low) or max(1.0, abs(high) / 2)
    step = 10.0 ** (math.floor(math.log10(high - low + 2 * slack)) - 1)
    step = max(step, 1.0) if column.kind == "integer" else step
    below, above = math.floor((low - slack) / step) * step, math.ceil((high + slack) / step) * step
    below, above = (max(below, 0.0) if low >= 0 else below), (min(above, 0.0) if high <= 0 else above)
    return _round(below, step), _round(above, step)


def _round(value: float, step: float) -> float:
    """Without the noise of binary fractions, and an integer if it is whole."""
    rounded = round(value, max(0, -math.floor(math.log10(step))))
    return int(rounded) if rounded == int(rounded) else rounded


def is_category(column: ColumnProfile) -> bool:
    """Whether the values of a column of text are few enough to be categories, so that a new one is an error."""
    few = 0 < len(column.counts) <= MAX_CATEGORIES
    return column.kind == "text" and few and column.rows >= 10 * len(column.counts)


def words(column: ColumnProfile) -> str:
    """A summary of the values of a column, for the comment after its declaration."""
    seen = [f"empty in {column.nulls:,} of {column.nulls + column.rows:,} rows"] if column.nulls else []
    if column.kind in NUMBERS:
        low, high = column.numbers
        seen.insert(0, f"{low:.6g} to {high:.6g}")
    elif column.kind == "text" and not is_category(column):
        seen.insert(0, f"{len(column.counts):,} different texts")
    elif column.kind in TIMES:
        moments = [column.value(text) for text in column.counts]
        seen.insert(0, f"{min(moments)} to {max(moments)}")
    odd = [f"{text} in {column.null_counts[text]:,} row(s)" for text in column.reading.odd]
    seen += [f"read as missing: {', '.join(odd)}"] if odd else []
    seen += [column.reading.doubt] if column.reading.doubt else []
    return ", ".join(seen) + (LOOK if odd or column.reading.doubt else "")


def feature(column: ColumnProfile) -> tuple[str | None, str]:
    """The expression in features.sql of a column that is neither key nor label.

    Returns:
        The expression and an empty text, or None and the reason why the column is not a feature yet.
    """
    name, value = column.name, column.expression or column.name
    if column.kind == "empty":
        return None, "it has no value in any row"
    if column.identifies:
        return None, column.identifies
    if column.kind in TIMES:
        return None, f"a {column.kind}: a part of it may be a feature, such as MONTH({value}) AS {name}_MONTH"
    if column.epoch:
        return None, f"time since 1970: a part of it may be a feature, such as MONTH({column.epoch}) AS {name}_MONTH"
    if column.kind == "boolean":
        return f"{name}::INTEGER AS {name}", ""
    if column.kind == "text" and len(column.counts) > max(MAX_CATEGORIES, column.rows // 10):
        return None, f"{len(column.counts):,} different texts in {column.rows:,} rows are not categories"
    return (f"{value} AS {name}" if column.expression else name), ""
