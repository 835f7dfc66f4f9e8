"""Functions that are replaced by SQL before a statement is compiled: SQL functions, aggregates, table functions."""

from sqlglot import exp

from local_snowflake.errors import compilation_error, not_supported
from local_snowflake.execution.context import Context
from local_snowflake.routines import sql_functions
from local_snowflake.routines.calls import function_calls
from local_snowflake.routines.scalar import aggregate_call
from local_snowflake.routines.table_functions import expand_table_function
from local_snowflake.sql.types import parse_type

_DEPTH = 100


def expand(ctx: Context, tree: exp.Expression) -> exp.Expression:
    """Replace the calls of SQL functions, of aggregates and of table functions.

    Raises:
        SnowflakeError: 002141 for functions that call each other without end.
    """
    for _ in range(_DEPTH):
        if not _expand_once(ctx, tree):
            break
    else:
        raise compilation_error(f"SQL functions call each other more than {_DEPTH} deep.", 2141, "42601")
    for scalar in function_calls(ctx, tree):
        props = scalar.function.props
        if props.table_columns is None and parse_type(props.returns).name == "NUMBER":
            _cast(scalar.node, props.returns)
    while call := next(function_calls(ctx, tree, in_from=True), None):
        if call.function.props.table_columns is None:
            raise compilation_error(f"{call.function.props.name} is no table function: it cannot stand in TABLE(…).")
        if call.function.props.language == "SQL":
            sql_functions.expand_table_function(ctx, call)
        else:
            expand_table_function(ctx, call)
    return tree


def _cast(call: exp.Expr, returns: str) -> None:
    """Let a call show its type: scales of quotients and averages follow from it."""
    holder = exp.Placeholder()
    call.replace(holder)
    holder.replace(exp.cast(call, returns, dialect="snowflake", copy=False))


def _expand_once(ctx: Context, tree: exp.Expr) -> bool:
    """Replace one call.

    Returns:
        Whether there was one.
    """
    for call in function_calls(ctx, tree):
        props = call.function.props
        if props.table_columns is not None:
            continue
        if props.aggregate:
            if props.language != "PYTHON":
                raise not_supported("aggregate functions in SQL")
            replacement = aggregate_call(ctx, call)
        elif props.language == "SQL":
            replacement = sql_functions.inline(ctx, call)
        else:
            continue
        replaced = call.node
        if isinstance(replaced.parent, exp.Window) and props.aggregate:
            replaced = replaced.parent
        sql_functions.put(replaced, replacement)
        # the calls inside the replaced one were copied: the next round finds them
        return True
    return False
