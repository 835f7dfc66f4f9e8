"""Expressions of the keys of GROUP BY: DuckDB does not see that what a macro computes of a key is one value a group.

Source: https://docs.snowflake.com/en/sql-reference/constructs/group-by
"""

from collections.abc import Iterator

from sqlglot import exp

from local_snowflake.execution.context import Context
from local_snowflake.sql.typing.static_types import StaticTypes

_SETS = ("rollup", "cube", "grouping_sets", "all", "totals")


def single_keys(ctx: Context, tree: exp.Expression) -> exp.Expression:
    """Take any value of a group for a key of a semi-structured type that an expression is computed of, in place."""
    types = StaticTypes(ctx)
    for select in tree.find_all(exp.Select):
        group = select.args.get("group")
        if group is None or any(group.args.get(option) for option in _SETS):
            continue
        keys = [key for key in group.expressions if isinstance(key, exp.Column)]
        if any((kind := types.of(key)) is not None and kind.is_semi_structured for key in keys):
            _single(select, group.expressions, keys)
    return tree


def _single(select: exp.Select, grouped: list[exp.Expr], keys: list[exp.Column]) -> None:
    places = {int(key.this) for key in grouped if isinstance(key, exp.Literal) and not key.is_string}
    names = {key.name for key in keys}
    results = [p for place, p in enumerate(select.expressions, 1) if place not in places and p.alias not in names]
    for root in (*results, select.args.get("having")):
        if root is not None:
            for column in list(_computed_of(root, grouped)):
                if column in keys:
                    column.replace(exp.AnyValue(this=column.copy()))


def _computed_of(root: exp.Expr, grouped: list[exp.Expr]) -> Iterator[exp.Column]:
    """The columns that something is computed of: outside of aggregates, queries and what is grouped by as it is."""
    waiting = [root.this if isinstance(root, (exp.Alias, exp.Having)) else root]
    while waiting:
        node = waiting.pop()
        if node in grouped or isinstance(node, (exp.AggFunc, exp.Query, exp.Lambda, exp.Window)):
            continue
        for child in node.iter_expressions():
            if isinstance(child, exp.Column):
                yield child
            else:
                waiting.append(child)
