"""Rows from GENERATOR: an order by SEQ1, SEQ2, SEQ4 or SEQ8 is the order in which they come.

Source: https://docs.snowflake.com/en/sql-reference/functions/seq1
"""

from sqlglot import exp

from local_snowflake.execution.context import Context

_SEQUENCES = (exp.Seq1, exp.Seq2, exp.Seq4, exp.Seq8)


def order_of_generation(ctx: Context, tree: exp.Expression) -> exp.Expression:
    """``OVER (ORDER BY SEQ8())`` -> ``OVER ()``: a sequence is a window function here, and they do not nest."""
    for window in tree.find_all(exp.Window):
        order = window.args.get("order")
        if order is not None and all(isinstance(term.this, _SEQUENCES) for term in order.expressions):
            window.set("order", None)
    return tree
