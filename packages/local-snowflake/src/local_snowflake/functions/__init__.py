"""Snowflake's functions where DuckDB's differ: macros, and how calls are rewritten to them, one module an area."""

from __future__ import annotations

from sqlglot import exp

from local_snowflake.functions import conversions, numbers, semi_structured, texts, times

MACROS = (*conversions.MACROS, *numbers.MACROS, *semi_structured.MACROS, *texts.MACROS, *times.MACROS)


def prepare(tree: exp.Expr) -> None:
    """Rewrite the calls of a resolved tree, in place, before it is translated."""
    conversions.converted(tree)
    times.as_instants(tree)
    semi_structured.lenient_json(tree)
    semi_structured.arrays(tree)
    texts.own_functions(tree)
    texts.formats(tree)
    numbers.exact_numbers(tree)


def finish(tree: exp.Expr) -> None:
    """Rewrite what is left in a translated tree, in place."""
    texts.as_texts(tree)
