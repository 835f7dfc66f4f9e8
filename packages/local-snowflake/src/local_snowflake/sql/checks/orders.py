"""ORDER BY of SELECT DISTINCT and of set operations: by what is in the result, as a row's other values are gone.

Source: https://docs.snowflake.com/en/sql-reference/constructs/order-by
"""

from sqlglot import exp

from local_snowflake.errors import compilation_error
from local_snowflake.execution.context import Context
from local_snowflake.sql.columns.outputs import outermost
from local_snowflake.sql.typing.static_types import StaticTypes


def checked_orders(ctx: Context, tree: exp.Expression) -> None:
    """Raise 001003 for a column that SELECT DISTINCT does not select, 000904 for one that a set operation has not."""
    for union in tree.find_all(exp.SetOperation):
        if union.args.get("order") is not None:
            _check_union(ctx, union)
    for select in tree.find_all(exp.Select):
        order = select.args.get("order")
        if order is None or not select.args.get("distinct") or any(p.is_star for p in select.expressions):
            continue
        selected = {p.alias_or_name for p in select.expressions}
        selected |= {c.name for p in select.expressions if isinstance(c := p.unalias(), exp.Column)}
        for key in order.expressions:
            column = key.this
            if isinstance(column, exp.Column) and column.name not in selected:
                text = column.sql(dialect="snowflake")
                raise compilation_error(f"[{text}] is not a valid order by expression")


def _check_union(ctx: Context, union: exp.SetOperation) -> None:
    """The columns of a set operation have the names of its first query's."""
    first = outermost(union)
    if first is None:
        return
    names = {p.alias_or_name for p in first.expressions}
    if any(p.is_star for p in first.expressions):
        columns = StaticTypes(ctx).output(first)
        if columns is None:
            return
        names = {*columns}
    for key in union.args["order"].expressions:
        for column in key.find_all(exp.Column):
            if isinstance(column.this, exp.Identifier) and not column.table and column.name not in names:
                text = f"error line 1 at position 0\ninvalid identifier '{column.name}'"
                raise compilation_error(text, 904, "42000")
