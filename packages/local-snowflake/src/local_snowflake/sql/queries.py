"""Queries and DML: parse, resolve, translate, run on DuckDB."""

from __future__ import annotations

import pyarrow as pa
from sqlglot import exp

from local_snowflake import streams
from local_snowflake.catalog.objects import TABLE
from local_snowflake.errors import not_supported
from local_snowflake.execution import registry
from local_snowflake.execution.context import Context
from local_snowflake.execution.results import Result, from_description, status
from local_snowflake.sql import binds
from local_snowflake.sql.column_names import name_outputs, remember_texts
from local_snowflake.sql.column_types import as_declared, declared_columns
from local_snowflake.sql.dialect import at_time, parse, to_duckdb, translate, upper_case
from local_snowflake.sql.dml import run_dml
from local_snowflake.sql.resolve import resolve, table_name
from local_snowflake.sql.statement import Statement
from local_snowflake.sql.types import parse_type

# statements that change nothing and tell their columns only when they run
_LOOKS = {"SHOW", "DESC", "DESCRIBE", "LS", "LIST"}
DML = (exp.Insert, exp.Update, exp.Delete, exp.Merge, exp.TruncateTable)


def run(ctx: Context, statement: Statement) -> Result:
    """Run a statement that no handler claims: a query or DML.

    Raises:
        SnowflakeError: 000002 with its first words, if it is neither.
    """
    tree = parse_relational(ctx, statement.sql)
    if isinstance(tree, DML):
        return run_dml(ctx, tree)
    if isinstance(tree, exp.Query):
        return run_query(ctx, tree)
    raise not_supported(" ".join(statement.sql.split()[:3]).upper())


def run_with_rows(ctx: Context, sql: str, name: str, rows: pa.Table) -> Result:
    """Run an INSERT that reads ``rows``, a batch of bind values, as the table ``name``."""
    tree = upper_case(parse_relational(ctx, sql))
    for i, kind in _wanted_types(ctx, tree).items():
        if pa.types.is_string(rows.schema.field(i).type):
            rows = rows.set_column(i, rows.schema.names[i], binds.of_type(rows.column(i), kind))
    ctx.session.register_rows(name, rows)
    return run_dml(ctx, tree)


def _wanted_types(ctx: Context, tree: exp.Expression) -> dict[int, str]:
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


def parse_relational(ctx: Context, sql: str) -> exp.Expression:
    """Parse a query or DML statement after the registered rewrites of its text."""
    for rewrite in registry.TEXT_REWRITERS:
        sql = rewrite(ctx, sql)
    tree = parse(sql)
    remember_texts(tree, sql)
    return tree


def compile_query(ctx: Context, tree: exp.Expression, *, outermost: bool = True) -> str:
    """DuckDB's SQL of a parsed Snowflake query."""
    if outermost:
        name_outputs(tree)
    return to_duckdb(at_time(translate(resolve(ctx, tree), ctx.session.duck), ctx.started))


def run_query(ctx: Context, tree: exp.Expression) -> Result:
    """Run a parsed query."""
    declared = declared_columns(ctx, tree)
    sql = compile_query(ctx, tree)

    def work() -> Result:
        streams.read_windows(ctx)
        cursor = ctx.session.duck.execute(sql)
        description = cursor.description or []
        result = from_description(cursor.to_arrow_table(), description)
        result.columns = as_declared(result.columns, declared)
        return result

    try:
        return ctx.session.read(work)
    finally:
        ctx.session.drop_rows()


def describe(ctx: Context, sql: str) -> Result:
    """The columns of a query's result; what changes something is described by its status column, and not run."""
    first = sql.lstrip("( \n\t").split(None, 1)[0].upper() if sql.strip() else ""
    if first == "CALL":
        from local_snowflake.routines.procedures import describe_call

        return describe_call(ctx, sql)
    if first in _LOOKS:
        found = ctx.execute(sql)
        return Result(found.table.slice(0, 0), found.columns)
    if first not in {"SELECT", "WITH", "VALUES"}:
        return Result(pa.table({"status": pa.array([], pa.string())}), status().columns)
    tree = parse_relational(ctx, sql)
    declared = declared_columns(ctx, tree)
    before, ctx.only_describes = ctx.only_describes, True
    try:
        query = compile_query(ctx, tree)
    finally:
        ctx.only_describes = before

    def work() -> Result:
        with ctx.session.computed.only_described():
            # as a subquery it would have other names where two columns have the same
            relation = ctx.session.duck.sql(query)
            description = list(zip(relation.columns, relation.types, strict=True))
            result = from_description(relation.limit(0).to_arrow_table(), description)
        result.columns = as_declared(result.columns, declared)
        return result

    try:
        return ctx.session.read(work)
    finally:
        ctx.session.drop_rows()
