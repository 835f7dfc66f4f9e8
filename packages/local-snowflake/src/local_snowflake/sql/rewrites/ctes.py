"""Common table expressions that refer to themselves: Snowflake does not need the word RECURSIVE.

Source: https://docs.snowflake.com/en/sql-reference/constructs/with
"""

from sqlglot import exp

from local_snowflake.execution.context import Context


def recursive_ctes(ctx: Context, tree: exp.Expression) -> exp.Expression:
    """Add RECURSIVE to a WITH of which an expression reads itself in a branch of its UNION."""
    for with_ in tree.find_all(exp.With):
        if not with_.recursive and any(_reads_itself(cte) for cte in with_.expressions):
            with_.set("recursive", True)
    return tree


def _reads_itself(cte: exp.CTE) -> bool:
    union = cte.this
    return isinstance(union, exp.SetOperation) and any(
        table.name == cte.alias and not table.args.get("db") for table in union.expression.find_all(exp.Table)
    )
