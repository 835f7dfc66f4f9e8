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
_OTHER_SIDE = {"PRECEDING": "FOLLOWING", "FOLLOWING": "PRECEDING"}
_ELSEWHERE = (exp.Where, exp.Having, exp.Group, exp.Join)


def checked_windows(ctx: Context, tree: exp.Expression) -> exp.Expression:
    """Raise 001003 for a ranking or a value that lacks its order, and for a window function in another clause.

    FROM LAST becomes FROM FIRST of the reversed order, as DuckDB has none.
    """
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
        if isinstance(function, exp.NthValue) and function.args.get("from_first") is False:
            function.set("from_first", None)
            _reverse(window)
    return tree


def _reverse(window: exp.Window) -> None:
    """The same rows from the last to the first, and the frame with its ends exchanged."""
    for key in window.args["order"].expressions:
        key.set("desc", not key.args.get("desc"))
        key.set("nulls_first", not key.args.get("nulls_first"))
    if spec := window.args.get("spec"):
        ends = {name: (spec.args.get(name), spec.args.get(f"{name}_side")) for name in ("start", "end")}
        for name, (bound, side) in (("start", ends["end"]), ("end", ends["start"])):
            spec.set(name, bound or "CURRENT ROW")
            spec.set(f"{name}_side", _OTHER_SIDE.get(str(side).upper()))
