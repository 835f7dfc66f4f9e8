"""Snowflake's functions where DuckDB's differ: macros, and how calls are rewritten to them, one module an area."""

import re
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
    time_parts,
    times,
    zoned_times,
)
from local_snowflake.functions.formats import times as time_formats
from local_snowflake.sql.transforms import kinds

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
    *time_formats.BY_FORMAT,
)


# what rewrites a tree, in this order, and the nodes without which there is nothing to do
_REWRITES: tuple[tuple[Callable[[exp.Expr], None], tuple[type[exp.Expr], ...]], ...] = (
    (generated.rewrite, generated.NODES),
    (hashes.rewrite, hashes.NODES),
    (domains.rewrite, domains.NODES),
    (text.rewrite_casts, (exp.Cast, exp.Time)),
    (time_parts.check, time_parts.NODES),
    (times.rewrite, times.NODES),
    (times.rewrite_formats, times.FORMATTED),
    (times.rewrite_arithmetic, times.ARITHMETIC),
    (times.rewrite_parts, times.PARTS),
    (semi_structured.rewrite_json, (exp.ParseJSON, exp.CheckJson, exp.Anonymous)),
    (semi_structured.rewrite_arrays, (exp.JSONKeys, exp.SortArray, exp.ArrayMax, exp.ArrayMin)),
    (sizes.rewrite, sizes.NODES),
    (text.rewrite_functions, (exp.SHA2, exp.Chr, exp.Trim, exp.ArrayToString, exp.RegexpReplace, exp.Contains)),
    (text.rewrite_matches, text.MATCHES),
    (text.rewrite_values, text.VALUES),
    (text.rewrite_formats, (exp.TimeToStr, exp.ToBinary, exp.ToChar, exp.Unhex, exp.HexDecodeString)),
    # before the numbers: a share is a division of sums
    (aggregates.rewrite, aggregates.NODES),
    (numbers.rewrite, numbers.NODES),
)


def prepare(tree: exp.Expr) -> None:
    """Rewrite the calls of a resolved tree, in place, before it is translated."""
    # not known after a rewrite, which may have changed the tree
    present: set[type] = set()
    for rewrite, looked_for in _REWRITES:
        present = present or kinds(tree)
        if not present.isdisjoint(looked_for):
            rewrite(tree)
            present = set()


def finish(tree: exp.Expr) -> None:
    """Rewrite what is left in a translated tree, in place."""
    text.cast_to_text(tree)
    _give_once(tree)


def _repeating() -> frozenset[str]:
    """The macros of one argument that mention it several times."""
    found = set()
    for macro in MACROS:
        signature = re.match(r"(\w+)\((\w+)\)\s+AS\s", macro)
        if signature and len(re.findall(rf"\b{signature[2]}\b", macro[signature.end() :])) > 1:
            found.add(signature[1])
    return frozenset(found)


_REPEATING = _repeating()
# nodes of an argument from which on its repetition costs more than a list of one element
_LARGE = 40


def _give_once(tree: exp.Expr) -> None:
    """``macro(large)`` -> ``list_transform([large], lambda given: macro(given))[1]`` where the macro repeats it.

    DuckDB writes an argument out at each of its places before it simplifies anything: nested macros multiply.
    """
    for call in [each for each in tree.find_all(exp.Anonymous) if each.name in _REPEATING]:
        if not call.expressions or not _is_large(argument := call.expressions[0]):
            continue
        given = exp.to_identifier("given")
        once = exp.Lambda(
            this=exp.Anonymous(this=call.this, expressions=[given.copy()]), expressions=[given], colon=True
        )
        values = exp.Anonymous(this="list_transform", expressions=[exp.Array(expressions=[argument]), once])
        call.replace(exp.Bracket(this=values, expressions=[exp.Literal.number(1)], offset=1))


def _is_large(argument: exp.Expr) -> bool:
    for count, node in enumerate(argument.walk(), start=1):
        if count >= _LARGE or (isinstance(node, exp.Anonymous) and node.name in _REPEATING):
            return True
    return False
