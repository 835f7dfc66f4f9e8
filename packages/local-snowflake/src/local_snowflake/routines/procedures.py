"""Calls of procedures, named and anonymous."""

import re
from dataclasses import replace
from typing import Any

import pyarrow as pa

from local_snowflake.catalog.objects import PROCEDURE, Object, Routine
from local_snowflake.errors import SnowflakeError, compilation_error, not_supported
from local_snowflake.execution.context import Context
from local_snowflake.execution.registry import describer, statement
from local_snowflake.execution.results import Column, Result, from_arrow, status
from local_snowflake.python.sandbox.values import arrow_type
from local_snowflake.routines.binding import absolute_imports, handler_spec
from local_snowflake.routines.definition import read_definition, split_commas
from local_snowflake.routines.lookup import Arguments, best, fits, in_order, overloads, unknown
from local_snowflake.routines.packages import check_packages
from local_snowflake.routines.scoping import scoped
from local_snowflake.scripting import blocks
from local_snowflake.scripting.variables import converted
from local_snowflake.sql import queries
from local_snowflake.sql.names import Name, quote
from local_snowflake.sql.statement import Reader, Statement, tokenize
from local_snowflake.sql.types import SfType, parse_type


@statement("WITH")
def with_procedure(ctx: Context, stmt: Statement) -> Result:
    """WITH name AS PROCEDURE (…) … CALL name(…): an anonymous procedure; any other WITH is a query.

    Source: https://docs.snowflake.com/en/sql-reference/sql/call-with
    """
    if not re.match(r"""with\s+(?:"(?:[^"]|"")*"|[\w$.])+\s+as\s+procedure\b""", stmt.sql, re.I):
        return queries.run(ctx, stmt)
    reader = stmt.reader
    reader.expect("WITH")
    name = Name(ctx.session.database or "", ctx.session.schema or "", ".".join(reader.name_parts()))
    reader.expect("AS", "PROCEDURE")
    # the definition ends before the last CALL outside of brackets
    at = max(i for i, t in enumerate(reader.tokens) if t.text.upper() == "CALL")
    definition = Reader(stmt.sql, reader.tokens[:at])
    definition.at = reader.at
    props, _ = read_definition(definition, PROCEDURE, name.name)
    if props.language != "PYTHON":
        raise not_supported(f"WITH … AS PROCEDURE … LANGUAGE {props.language}")
    check_packages(props.packages)
    imports = absolute_imports(ctx, props.imports)
    reader.at = at + 1
    reader.name_parts()
    arguments = _read_arguments(reader)
    props = replace(props, imports=imports, execute_as="CALLER", temporary=True)
    procedure = Object(PROCEDURE, name, props, ctx.session.role)
    if not fits(props.args, arguments):
        raise unknown(name, [str(a) for a in arguments.positional])
    return _call(ctx, procedure, in_order(props.args, arguments))


@statement("CALL")
def call(ctx: Context, stmt: Statement) -> Result:
    """CALL name(argument, …, name => argument, …): https://docs.snowflake.com/en/sql-reference/sql/call."""
    if (found := _called(ctx, stmt.reader)) is None:
        return queries.run(ctx, Statement("SELECT " + stmt.sql[4:].strip(), "SELECT"))
    return _call(ctx, *found)


@describer("CALL")
def describe_call(ctx: Context, sql: str) -> Result:
    """The columns that a CALL would return, without running it."""
    if (found := _called(ctx, Reader(sql, tokenize(sql)))) is None:
        return status("")
    props = found[0].props
    declared = ((props.name, props.returns),) if props.table_columns is None else props.table_columns
    columns = [Column(name, parse_type(kind)) for name, kind in declared]
    empty = pa.table({c.name: pa.array([], arrow_type(c.type.key)) for c in columns})
    return Result(empty, columns)


def _read_arguments(reader: Reader) -> Arguments:
    positional, named = [], {}
    for tokens, text in split_commas(reader.parenthesised()):
        if len(tokens) > 2 and tokens[1].text == "=>":
            named[tokens[0].text.upper()] = text[tokens[1].end + 1 :].strip()
        else:
            positional.append(text.strip())
    reader.accept("INTO")
    reader.finish()
    return Arguments(positional, dict(named))


def _called(ctx: Context, reader: Reader) -> tuple[Routine, list[object]] | None:
    """The overload that a CALL means, and its arguments in order; None for a system function.

    Raises:
        SnowflakeError: 002140 or 002141 if there is no such procedure; 001044 if none takes these arguments.
    """
    reader.expect("CALL")
    parts = reader.name_parts()
    if parts[-1].startswith("SYSTEM$"):
        return None
    name, arguments, qualified = ctx.resolve(parts), _read_arguments(reader), len(parts) > 1
    routines = overloads(ctx, "PROCEDURE", name)
    if not routines:
        text = f"user-defined function {name.fqn}" if qualified else f"function {name.name}"
        raise compilation_error(f"Unknown {text}.", 2141 if qualified else 2140, "42601")
    chosen = best(name, routines, arguments, lambda: _types(ctx, arguments) if arguments.positional else [])
    return chosen, in_order(chosen.props.args, arguments)


def _types(ctx: Context, arguments: Arguments) -> list[Any]:
    listed = ", ".join(f"{a} AS A{i}" for i, a in enumerate(arguments.positional))
    described = queries.describe(ctx, f"SELECT {listed}").columns
    return [None if str(a).upper() == "NULL" else c.type for a, c in zip(arguments.positional, described, strict=True)]


def _call(ctx: Context, procedure: Routine, arguments: list[object]) -> Result:
    values = _evaluate(ctx, procedure, arguments)
    props = procedure.props
    if props.strict and any(column.null_count for column in values.columns):
        answer = pa.table({"RESULT": pa.array([None], pa.string())})
    elif props.language == "SQL":
        answer = blocks.call(ctx, procedure, values).table
    else:
        answer = _run(ctx, procedure, values)
    if props.table_columns is not None:
        return _rows(ctx, answer, props.table_columns)
    return Result(answer, [Column(props.name, parse_type(props.returns))])


def _evaluate(ctx: Context, procedure: Routine, arguments: list[object]) -> pa.Table:
    """The arguments' values, converted to the declared types: one row."""
    if not arguments:
        return pa.table({"NONE": [None]}).select([])
    pairs = zip(arguments, procedure.props.args, strict=True)
    listed = ", ".join(f"{converted(str(a), d.type)} AS A{i}" for i, (a, d) in enumerate(pairs))
    try:
        return queries.run(ctx, Statement(f"SELECT {listed}", "SELECT")).table
    except SnowflakeError as error:
        if not error.is_impossible_cast:
            raise
        types = [str(t) if t else "NULL" for t in _types(ctx, Arguments(arguments, {}))]
        raise unknown(procedure.name._replace(name=procedure.props.name), types) from None


def _run(ctx: Context, procedure: Routine, values: pa.Table) -> pa.Table:
    spec = handler_spec(ctx, procedure, "procedure")
    with scoped(ctx, procedure) as inner:
        login = {"account": ctx.services.account.lower(), "user": ctx.session.user, "password": inner.value}
        connection = {**login, "protocol": "http"}
        parameters = {"session_parameters": {"CLIENT_OUT_OF_BAND_TELEMETRY_ENABLED": False}}
        extra: dict[str, Any] = {"connection": connection | ctx.services.address | parameters}
        extra |= {"table": procedure.props.table_columns is not None, "nested": ctx.token.parent is not None}
        return ctx.services.workers.call(spec, values, ctx.session, extra)


def _rows(ctx: Context, table: pa.Table, columns: tuple[tuple[str, str], ...]) -> Result:
    """The rows of a procedure that returns a table, as the declared columns."""
    if not columns:
        return from_arrow(table)
    if table.num_columns != len(columns):
        text = f"the procedure returned {table.num_columns} columns ({', '.join(table.column_names)})"
        expected = "Data type of returned table does not match expected returned table type"
        raise SnowflakeError(100382, "P0000", f"{expected}: {text} and declares {len(columns)}.")
    with ctx.services.storage.cursor() as duck:
        duck.register("returned", table)
        listed = ", ".join(
            f"{_as_type(quote(have), parse_type(kind))} AS {quote(name)}"
            for have, (name, kind) in zip(table.column_names, columns, strict=True)
        )
        converted = duck.execute(f"SELECT {listed} FROM returned").to_arrow_table()
    return Result(converted, [Column(name, parse_type(kind)) for name, kind in columns])


def _as_type(value: str, kind: SfType) -> str:
    """DuckDB's SQL of a value of a returned table as a declared type."""
    return f"timestamp_tz_of({value}, 0)" if kind.name == "TIMESTAMP_TZ" else f"CAST({value} AS {kind.duckdb})"
