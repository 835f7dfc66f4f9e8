"""Snowflake's functions where DuckDB's differ: macros, and how calls are rewritten to them, one module an area."""

from collections.abc import Callable

from sqlglot import exp

from local_snowflake.functions import (
    aggregates,
    domains,
    generated,
    hashes,
    numbers,
    semi_structured,
    sizes,
    text,
    time_formats,
    times,
    zoned_times,
)

MACROS = (
    # what others are made of
    *sizes.MACROS,
    *zoned_times.MACROS,
    *aggregates.MACROS,
    *domains.MACROS,
    *generated.MACROS,
    *hashes.MACROS,
    *numbers.MACROS,
    *semi_structured.MACROS,
    *text.MACROS,
    *time_formats.MACROS,
    *times.MACROS,
    *zoned_times.CONVERSIONS,
)


# what rewrites a tree, in this order, and the nodes without which there is nothing to do; none are named for what an
# earlier rewrite may make. A walk over a tree costs as much as its translation to text.
_REWRITES: tuple[tuple[Callable[[exp.Expr], None], tuple[type[exp.Expr], ...]], ...] = (
    (generated.rewrite, generated.NODES),
    (hashes.rewrite, hashes.NODES),
    (domains.rewrite, domains.NODES),
    (text.rewrite_casts, ()),
    (times.rewrite, times.NODES),
    (times.rewrite_formats, times.FORMATTED),
    (times.rewrite_arithmetic, times.ARITHMETIC),
    (times.rewrite_parts, times.PARTS),
    (semi_structured.rewrite_json, (exp.ParseJSON, exp.CheckJson, exp.Anonymous)),
    (semi_structured.rewrite_arrays, (exp.JSONKeys, exp.SortArray, exp.ArrayMax, exp.ArrayMin)),
    (sizes.rewrite, sizes.NODES),
    (text.rewrite_functions, (exp.SHA2, exp.Chr, exp.Trim, exp.ArrayToString, exp.RegexpReplace)),
    (text.rewrite_values, text.VALUES),
    (text.rewrite_formats, (exp.TimeToStr, exp.ToBinary, exp.ToChar)),
    # before the numbers: a share is a division of sums
    (aggregates.rewrite, aggregates.NODES),
    (numbers.rewrite, ()),
)


def prepare(tree: exp.Expr) -> None:
    """Rewrite the calls of a resolved tree, in place, before it is translated."""
    present = {base for kind in {type(node) for node in tree.walk()} for base in kind.__mro__}
    for rewrite, nodes in _REWRITES:
        if not nodes or not present.isdisjoint(nodes):
            rewrite(tree)


def finish(tree: exp.Expr) -> None:
    """Rewrite what is left in a translated tree, in place."""
    text.cast_to_text(tree)
