"""Aggregate functions in Python: DuckDB gathers the rows of a group, a worker runs the handler over them."""

from __future__ import annotations

from sqlglot import exp

from local_snowflake.execution.context import Context
from local_snowflake.routines.binding import handler_spec
from local_snowflake.routines.calls import FunctionCall
from local_snowflake.routines.scalar import vectorised


def aggregate_call(ctx: Context, call: FunctionCall) -> exp.Expr:
    """An expression over ``list(row(arguments))``, which takes over the OVER clause of the call if it has one."""
    spec = handler_spec(ctx, call.function, "aggregate")
    arguments = call.arguments or [exp.Literal.number(1)]
    gathered: exp.Expr = exp.Anonymous(this="LIST", expressions=[exp.Anonymous(this="ROW", expressions=arguments)])
    window = call.node.parent
    if isinstance(window, exp.Window) and window.this is call.node:
        window = window.copy()
        window.set("this", gathered)
        gathered = window
    return vectorised(ctx, spec, [gathered])
