"""ORDER BY of SELECT DISTINCT: by what is selected, as the other values of a row are gone.

Source: https://docs.snowflake.com/en/sql-reference/constructs/order-by
"""

from sqlglot import exp

from local_snowflake.errors import compilation_error
from local_snowflake.execution.context import Context


def checked_orders(ctx: Context, tree: exp.Expression) -> exp.Expression:
    """Raise 001003 for a column in ORDER BY that SELECT DISTINCT does not select."""
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
    return tree
