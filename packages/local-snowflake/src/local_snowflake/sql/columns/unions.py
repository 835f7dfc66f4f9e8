"""Columns of set operations: of texts and numbers, they are numbers.

Source: https://docs.snowflake.com/en/sql-reference/operators-query
"""

import re
from collections.abc import Iterator

from sqlglot import exp

from local_snowflake.execution.context import Context
from local_snowflake.functions.python_calls import call
from local_snowflake.sql.typing.static_types import StaticTypes
from local_snowflake.sql.typing.value_types import exact_in_floats

_NUMBERS = {"NUMBER", "FLOAT"}
_DIGITS = re.compile(r"\d+(?:\.\d+)?")


def alike_columns(ctx: Context, tree: exp.Expression) -> exp.Expression:
    """Cast the texts in a set operation's columns that are numbers elsewhere, in place."""
    types = StaticTypes(ctx)
    for node in list(tree.find_all(exp.SetOperation)):
        if isinstance(node.parent, exp.SetOperation) or node.args.get("by_name"):
            continue
        rows = [select.expressions for select in _selects(node)]
        if any(projection.is_star for row in rows for projection in row) or len({*map(len, rows)}) > 1:
            continue
        for column in zip(*rows, strict=True):
            _cast_texts(types, column)
    return tree


def _selects(query: exp.Expr | None) -> Iterator[exp.Select]:
    if isinstance(query, exp.SetOperation):
        yield from _selects(query.this)
        yield from _selects(query.expression)
    elif isinstance(query, exp.Subquery):
        yield from _selects(query.this)
    elif isinstance(query, exp.Select):
        yield query


def _cast_texts(types: StaticTypes, column: tuple[exp.Expr, ...]) -> None:
    kinds = [types.of(projection) for projection in column]
    names = {kind.name for kind in kinds if kind is not None}
    if not names & _NUMBERS or "VARCHAR" not in names or names - {*_NUMBERS, "VARCHAR"}:
        return
    values = [projection.this if isinstance(projection, exp.Alias) else projection for projection in column]
    is_read = "FLOAT" not in names and any(
        kind is not None and kind.name == "VARCHAR" and not isinstance(value, (exp.Literal, exp.Null))
        for value, kind in zip(values, kinds, strict=True)
    )
    for projection, value, kind in zip(column, values, kinds, strict=True):
        if is_read and kind is not None and kind.name == "NUMBER" and not exact_in_floats(kind):
            made: exp.Expr = call("float_of_number", value.copy())
            if projection is value and value.alias_or_name:
                made = exp.alias_(made, value.alias_or_name, quoted=True)
            value.replace(made)
        if kind is None or kind.name != "VARCHAR" or isinstance(value, exp.Null):
            continue
        number = _number(value)
        if projection is value and value.alias_or_name:
            number = exp.alias_(number, value.alias_or_name, quoted=True)
        value.replace(number)


def _number(value: exp.Expr) -> exp.Expr:
    """A text as a number: a constant has the digits that are written, and what is read is a float."""
    if isinstance(value, exp.Cast) and isinstance(value.this, exp.Null):
        return exp.null()
    if isinstance(value, exp.Literal) and _DIGITS.fullmatch(value.this):
        return exp.Literal.number(value.this)
    return exp.cast(value.copy(), "FLOAT", dialect="snowflake")
