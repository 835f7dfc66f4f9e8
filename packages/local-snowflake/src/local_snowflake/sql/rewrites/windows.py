"""Window functions: where they may stand, and which need an order.

Source: https://docs.snowflake.com/en/sql-reference/functions-window-syntax
"""

from sqlglot import exp

from local_snowflake.errors import compilation_error
from local_snowflake.execution.context import Context

_ORDERED = (
    *(exp.RowNumber, exp.Rank, exp.DenseRank, exp.PercentRank, exp.CumeDist, exp.Ntile),
    *(exp.Lag, exp.Lead, exp.FirstValue, exp.LastValue, exp.NthValue),
)
_ELSEWHERE = (exp.Where, exp.Having, exp.Group, exp.Join)


def checked_windows(ctx: Context, tree: exp.Expression) -> exp.Expression:
    """Raise 001003 for a ranking or a value that lacks its order, and for a window function in another clause."""
    for window in tree.find_all(exp.Window):
        function = window.this.this if isinstance(window.this, (exp.IgnoreNulls, exp.RespectNulls)) else window.this
        if isinstance(function, _ORDERED) and not window.args.get("order") and not window.args.get("alias"):
            name = function.sql_name()
            raise compilation_error(f"Window function type [{name}] requires ORDER BY in window specification.")
        if isinstance(window.find_ancestor(exp.Select, *_ELSEWHERE), _ELSEWHERE):
            text = window.sql(dialect="snowflake")
            raise compilation_error(
                f"Window function [{text}] appears outside of SELECT, QUALIFY, and ORDER BY clauses."
            )
    return tree
