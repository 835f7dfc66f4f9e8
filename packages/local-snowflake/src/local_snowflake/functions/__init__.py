"""Snowflake's functions where DuckDB's differ: macros, and how calls are rewritten to them, one module an area."""

from sqlglot import exp

from local_snowflake.functions import conversions, numbers, semi_structured, text, times

MACROS = (*conversions.MACROS, *numbers.MACROS, *semi_structured.MACROS, *text.MACROS, *times.MACROS)


def prepare(tree: exp.Expr) -> None:
    """Rewrite the calls of a resolved tree, in place, before it is translated."""
    conversions.rewrite(tree)
    times.rewrite(tree)
    semi_structured.rewrite_json(tree)
    semi_structured.rewrite_arrays(tree)
    text.rewrite_functions(tree)
    text.rewrite_formats(tree)
    numbers.rewrite(tree)


def finish(tree: exp.Expr) -> None:
    """Rewrite what is left in a translated tree, in place."""
    text.cast_to_text(tree)
