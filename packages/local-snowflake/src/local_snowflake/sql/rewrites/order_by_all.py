"""ORDER BY ALL: by all columns of the result, from the first to the last.

Source: https://docs.snowflake.com/en/sql-reference/constructs/order-by
"""

from sqlglot import exp

from local_snowflake.errors import not_supported
from local_snowflake.execution.context import Context
from local_snowflake.sql.typing.static_types import StaticTypes

_ALL = "ALL"


def order_by_all(ctx: Context, tree: exp.Expression) -> exp.Expression | None:
    """Write out the columns of ORDER BY ALL by their numbers. Raises 000002 where they are not known."""
    is_changed = False
    for order in list(tree.find_all(exp.Order)):
        ordered = order.expressions[0] if len(order.expressions) == 1 else None
        if isinstance(ordered, exp.Ordered) and _is_all(ordered.this):
            numbers = range(1, _columns(ctx, order.parent) + 1)
            order.set("expressions", [_by_number(ordered, number) for number in numbers])
            is_changed = True
    return tree if is_changed else None


def _is_all(key: exp.Expr) -> bool:
    return isinstance(key, exp.Column) and key.name == _ALL and not key.table and not key.this.quoted


def _by_number(ordered: exp.Expr, number: int) -> exp.Expr:
    made = ordered.copy()
    made.set("this", exp.Literal.number(number))
    return made


def _columns(ctx: Context, query: exp.Expr | None) -> int:
    """How many columns a query has."""
    if isinstance(query, exp.Select) and not query.is_star:
        return len(query.expressions)
    columns = StaticTypes(ctx).output(query) if isinstance(query, exp.Query) else None
    if columns is None:
        raise not_supported("ORDER BY ALL of columns that are not known")
    return len(columns)
