"""Calls of scalar Python functions, in bulk where the statement allows it, else vector by vector; and of aggregates."""

import uuid
from collections.abc import Sequence

import pyarrow as pa
from sqlglot import exp

from local_snowflake.errors import compilation_error
from local_snowflake.execution.context import Context
from local_snowflake.functions import bulk
from local_snowflake.functions.vectorized import vector_call, vector_type
from local_snowflake.python.handler_spec import HandlerSpec
from local_snowflake.python.sandbox.values import arrow_type
from local_snowflake.routines.binding import handler_spec
from local_snowflake.routines.calls import FunctionCall, function_calls
from local_snowflake.sql.trees import as_json

_RESULT = "RESULT"


@bulk.register
def find(ctx: Context, tree: exp.Expr) -> list[bulk.Call]:
    """The calls of scalar Python functions in a statement."""
    calls = []
    for call in function_calls(ctx, tree):
        props = call.function.props
        if props.table_columns is not None:
            raise compilation_error(f"Table function {props.name} can only be called in FROM: TABLE({props.name}(…)).")
        if props.language == "PYTHON" and not props.aggregate:
            calls.append(_bulk_call(ctx, call))
    return calls


def _bulk_call(ctx: Context, call: FunctionCall) -> bulk.Call:
    spec = handler_spec(ctx, call.function, "scalar")
    result = spec.outputs[0][1]
    key = f"{spec.key}:{spec.handler}:{spec.inputs}:{result}"
    if not spec.inputs and call.function.props.volatility == "VOLATILE":
        # eg: a random number: each call is one of its own
        key += uuid.uuid4().hex

    def evaluate(arguments: pa.Table, _: Sequence[str]) -> pa.Table:
        given = arguments.select(range(len(spec.inputs)))
        return ctx.services.workers.evaluate(spec, given, session=ctx.session, count=arguments.num_rows)

    def from_column(column: exp.Expr) -> exp.Expr:
        return as_json(column) if result.is_semi_structured else column

    def by_vector() -> exp.Expr:
        return vectorised(ctx, spec, call.arguments)

    function = bulk.Function(key, evaluate)
    kind = arrow_type(result.key)
    return bulk.Call(call.node, function, call.arguments, _RESULT, kind, from_column, by_vector)


def vectorised(ctx: Context, spec: HandlerSpec, arguments: list[exp.Expr]) -> exp.Expr:
    """An expression that evaluates a function for the rows of one vector after the other."""
    result = spec.outputs[0][1]
    key = f"{spec.kind}:{spec.key}:{spec.handler}:{spec.inputs}:{spec.outputs}"
    workers, session = ctx.services.workers, ctx.session

    def work(columns: list[pa.ChunkedArray], rows: int) -> pa.Array:
        table = pa.table(columns, names=[str(i) for i in range(len(columns))])
        results = workers.evaluate(spec, table, session=session, count=rows).column(0).combine_chunks()
        return results.cast(pa.string()) if vector_type(result.duckdb) == "VARCHAR" else results

    return vector_call(ctx, key, result.duckdb, arguments, work)


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
