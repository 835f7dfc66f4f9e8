"""Queries and DML: parse, resolve, translate, run on DuckDB."""

import json
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
from sqlglot import exp

from local_snowflake import streams
from local_snowflake.catalog.objects import TABLE
from local_snowflake.errors import SnowflakeError, compilation_error, not_supported
from local_snowflake.execution import registry
from local_snowflake.execution.context import Context
from local_snowflake.execution.results import Result, from_description, own_name, status
from local_snowflake.sql import binds
from local_snowflake.sql.columns.outputs import as_declared, declared_columns, name_outputs
from local_snowflake.sql.compiler import Compiler, Plan
from local_snowflake.sql.dialect import at_time, to_duckdb, translate, upper_case
from local_snowflake.sql.dml import compile_dml
from local_snowflake.sql.names import literal
from local_snowflake.sql.resolve import resolve, table_name
from local_snowflake.sql.statement import Statement
from local_snowflake.sql.types import parse_type

# statements that change nothing and whose columns are known only when they run
_LOOKS = {"SHOW", "DESC", "DESCRIBE", "LS", "LIST"}
DML = (exp.Insert, exp.Update, exp.Delete, exp.Merge, exp.TruncateTable)


def run(ctx: Context, statement: Statement) -> Result:
    """Run a statement that no handler claims: a query or DML. Raises 000002 with its first words, if it is neither."""
    with _rows_dropped(ctx):
        plan = ctx.services.get(Compiler).plan(ctx, statement, _compile)
        ctx.translated = plan.sql
        return plan.run(ctx, plan.sql)


def run_prepared(ctx: Context, statement: Statement, bindings: dict[str, Any]) -> Result | None:
    """Run an INSERT of rows of bind values; None for another statement, whose values have to be in its text."""
    if not binds.is_preparable(statement, bindings):
        return None
    prepared = binds.Prepared(statement, bindings)
    with _rows_dropped(ctx):
        plan = ctx.services.get(Compiler).plan(ctx, ctx.compiler.statement(prepared.sql), _compile)
        ctx.translated = plan.sql
        sql = prepared.fill(plan.sql)
        return plan.run(ctx, sql) if sql is not None else None


def _compile(ctx: Context, statement: Statement, tree: exp.Expression) -> Plan:
    if isinstance(tree, DML):
        return compile_dml(ctx, tree)
    if isinstance(tree, exp.Query):
        return compile_select(ctx, tree)
    raise not_supported(" ".join(statement.sql.split()[:3]).upper())


@contextmanager
def _rows_dropped(ctx: Context) -> Iterator[None]:
    """Let go of the rows that are registered for a statement when it has ended."""
    try:
        yield
    finally:
        ctx.session.drop_rows()


def run_with_rows(ctx: Context, sql: str, name: str, rows: pa.Table) -> Result:
    """Run an INSERT that reads ``rows``, a batch of bind values, as the table ``name``."""
    tree = upper_case(ctx.compiler.parse(ctx, sql))
    for i, kind in _column_types(ctx, tree).items():
        if pa.types.is_string(rows.schema.field(i).type):
            rows = rows.set_column(i, rows.schema.names[i], binds.of_type(rows.column(i), kind))
    ctx.session.register_rows(name, rows)
    with _rows_dropped(ctx):
        plan = compile_dml(ctx, tree)
        ctx.translated = plan.sql
        return plan.run(ctx, plan.sql)


def _column_types(ctx: Context, tree: exp.Expression) -> dict[int, str]:
    """The types of the columns that an INSERT puts bind values into as they are, by the values' numbers from 0 on."""
    schema = tree.this
    target = schema.this if isinstance(schema, exp.Schema) else schema
    if not isinstance(tree.expression, exp.Select) or not isinstance(target, exp.Table):
        return {}
    table = ctx.relation(table_name(ctx, target))
    kinds = {c.name: parse_type(c.type).name for c in table.props.columns} if TABLE.describes(table) else {}
    named = [identifier.name for identifier in schema.expressions] if target is not schema else [*kinds]
    values = zip(named, tree.expression.expressions, strict=False)
    return {
        int(value.name.removeprefix(binds.BATCH_COLUMN)) - 1: kinds[column]
        for column, value in values
        if isinstance(value, exp.Column) and column in kinds
    }


def compile_query(ctx: Context, tree: exp.Expression, *, outermost: bool = True) -> str:
    """DuckDB's SQL of a parsed Snowflake query."""
    if outermost:
        name_outputs(tree)
    return to_duckdb(at_time(translate(resolve(ctx, tree), ctx.session.duck), ctx.started))


def run_query(ctx: Context, tree: exp.Expression) -> Result:
    """Run a parsed query."""
    with _rows_dropped(ctx):
        plan = compile_select(ctx, tree)
        return plan.run(ctx, plan.sql)


def plan_of_query(ctx: Context, tree: exp.Expression) -> dict[str, Any]:
    """DuckDB's plan of a parsed query, which does not run: the last operation, with those below it as ``children``."""
    with _rows_dropped(ctx):
        sql = f"EXPLAIN (FORMAT JSON) {compile_query(ctx, tree)}"
        found = ctx.session.read(lambda: ctx.session.duck.execute(sql).fetchall())
    operations: list[dict[str, Any]] = json.loads(found[0][1])
    return operations[0]


def names_of_query(ctx: Context, sql: str) -> list[str]:
    """The names of the columns that DuckDB's SQL of a query gives: of two with one name a table's would be another."""
    with ctx.session.lazy_tables.only_described():
        return [own_name(str(column[0])) for column in _described(ctx, sql)]


def _described(ctx: Context, sql: str) -> Sequence[Sequence[Any]]:
    """The columns of DuckDB's SQL of a query. A relation of a query that draws from a sequence would run it."""
    return ctx.session.duck.execute(f"DESCRIBE {sql}").fetchall()


def evaluate(ctx: Context, expression: str) -> Any:
    """The value of an expression in Snowflake's SQL."""
    return run_query(ctx, ctx.compiler.parse(ctx, f"SELECT ({expression}) AS V")).value(0)


def evaluate_time(ctx: Context, value: Any) -> datetime:
    """A time, written as a text or as an expression, eg: ``DATEADD('hour', -1, CURRENT_TIMESTAMP())``."""
    written = str(value) if re.search(r"[A-Za-z]\w*\s*\(|\A[A-Za-z_]+\Z", str(value)) else literal(str(value))
    try:
        time = evaluate(ctx, f"({written})::TIMESTAMP_LTZ")
    except SnowflakeError as error:
        raise compilation_error(f"invalid time [{value}]: {error.message}", 1008, "22023") from None
    if not isinstance(time, datetime):
        raise compilation_error(f"invalid time [{value}]", 1008, "22023")
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def compile_select(ctx: Context, tree: exp.Expression) -> Plan:
    """The plan of a parsed query."""
    name_outputs(tree)
    declared = declared_columns(ctx, tree)

    def run(ctx: Context, sql: Sequence[str]) -> Result:
        def work() -> Result:
            streams.bind_offset_ranges(ctx)
            cursor = ctx.session.duck.execute(sql[0])
            description = cursor.description or []
            result = from_description(cursor.to_arrow_table(), description)
            result.columns = as_declared(result.columns, declared)
            return result

        return ctx.session.read(work)

    return Plan((compile_query(ctx, tree),), run)


def describe(ctx: Context, sql: str) -> Result:
    """The columns of a query's result; what changes something is described by its status column, and not run."""
    first = sql.lstrip("( \n\t").split(None, 1)[0].upper() if sql.strip() else ""
    if describe_statement := registry.DESCRIBERS.get(first):
        return describe_statement(ctx, sql)
    if first in _LOOKS:
        result = ctx.execute(sql)
        return Result(result.table.slice(0, 0), result.columns)
    if first not in {"SELECT", "WITH", "VALUES"}:
        return Result(pa.table({"status": pa.array([], pa.string())}), status().columns)
    tree = ctx.compiler.parse(ctx, sql)
    name_outputs(tree)
    declared = declared_columns(ctx, tree)
    before, ctx.only_describes = ctx.only_describes, True
    try:
        query = compile_query(ctx, tree)
    finally:
        ctx.only_describes = before

    def work() -> Result:
        with ctx.session.lazy_tables.only_described():
            # as a subquery it has other names where two columns have the same
            description = _described(ctx, query)
            empty = ctx.session.duck.execute(f"SELECT * FROM ({query}) LIMIT 0").to_arrow_table()
            result = from_description(empty, description)
        result.columns = as_declared(result.columns, declared)
        return result

    with _rows_dropped(ctx):
        return ctx.session.read(work)
