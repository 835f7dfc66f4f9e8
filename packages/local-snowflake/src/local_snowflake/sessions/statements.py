"""USE, session parameters and variables, transactions, and the functions that tell the session's context."""

from __future__ import annotations

import json
from typing import Any

import duckdb
import pyarrow as pa

from local_snowflake import streams
from local_snowflake.errors import SnowflakeError, does_not_exist, not_supported
from local_snowflake.execution.context import Context
from local_snowflake.execution.registry import statement, system_function, table_function
from local_snowflake.execution.results import Result, rows, status
from local_snowflake.execution.show_clauses import like_filter, read_clauses
from local_snowflake.scripting.blocks import run_anonymous
from local_snowflake.scripting.reading import is_block
from local_snowflake.sessions.parameters import PARAMETERS, invalid_value, is_known, read_parameter, shown
from local_snowflake.sql.names import Name, literal
from local_snowflake.sql.queries import run_query
from local_snowflake.sql.statement import Statement, skip_head

DEFAULT_PARAMETERS: dict[str, Any] = {key: parameter.default for key, parameter in PARAMETERS.items()}


@statement("BEGIN")
@statement("START", "TRANSACTION")
def begin(ctx: Context, stmt: Statement) -> Result:
    """BEGIN [TRANSACTION | WORK], or a block: https://docs.snowflake.com/en/sql-reference/sql/begin."""
    if is_block(stmt.sql):
        return run_anonymous(ctx, stmt.sql)
    reader = stmt.reader
    reader.next()
    reader.accept_any("TRANSACTION", "WORK")
    if reader.accept("NAME"):
        reader.identifier()
    reader.finish()
    if _is_callers(ctx):
        raise not_supported("BEGIN in a procedure that was called inside a transaction: an autonomous transaction")
    ctx.session.begin()
    streams.mark_start(ctx.session)
    return status()


@statement("COMMIT")
def commit(ctx: Context, stmt: Statement) -> Result:
    """COMMIT [WORK]."""
    _check_scope(ctx)
    ctx.session.commit()
    return status()


@statement("ROLLBACK")
def rollback(ctx: Context, stmt: Statement) -> Result:
    """ROLLBACK [WORK]."""
    _check_scope(ctx)
    ctx.session.rollback()
    return status()


def _is_callers(ctx: Context) -> bool:
    """Whether the open transaction is that of a procedure's caller."""
    return ctx.session.in_transaction and ctx.session.transaction == ctx.handle.callers_transaction


def _check_scope(ctx: Context) -> None:
    """A procedure may not end its caller's transaction.

    Source: https://docs.snowflake.com/en/sql-reference/transactions#scoped-transactions
    """
    if _is_callers(ctx):
        text = "Modifying a transaction that has started at a different scope is not allowed."
        raise SnowflakeError(90231, "25000", f"Stored procedure execution error: {text}")


@statement("USE", "", "DATABASE", "SCHEMA", "WAREHOUSE", "ROLE", "SECONDARY ROLES")
def use(ctx: Context, stmt: Statement) -> Result:
    """USE DATABASE | SCHEMA | WAREHOUSE | ROLE name; ``USE name`` means a database, ``USE a.b`` a schema."""
    reader = skip_head(stmt)
    session = ctx.session
    if stmt.kind == "SECONDARY ROLES":
        return status()
    parts = reader.name_parts()
    if stmt.kind == "ROLE":
        session.role = ctx.catalog.need("ROLE", Name("", "", parts[0])).name.name
    elif stmt.kind == "WAREHOUSE":
        session.warehouse = ctx.catalog.need("WAREHOUSE", Name("", "", parts[0])).name.name
    elif stmt.kind == "SCHEMA" or len(parts) == 2:
        schema = ctx.catalog.need("SCHEMA", ctx.resolve_schema(parts))
        session.database, session.schema = schema.name.database, schema.name.name
    else:
        database = ctx.catalog.get("DATABASE", Name("", "", parts[0]))
        if database is None:
            raise does_not_exist("DATABASE", parts[0])
        session.database = database.name.name
        has_public = ctx.catalog.get("SCHEMA", Name(session.database, "", "PUBLIC"))
        session.schema = "PUBLIC" if has_public else None
    return status()


@statement("ALTER", "SESSION")
def alter_session(ctx: Context, stmt: Statement) -> Result:
    """ALTER SESSION SET name = value … | UNSET name, …."""
    reader = skip_head(stmt)
    if reader.accept("SET"):
        for key, value in reader.options().items():
            set_parameter(ctx, key, value)
    else:
        reader.expect("UNSET")
        while not reader.done:
            unset_parameter(ctx, reader.identifier())
            reader.accept(",")
    reader.finish()
    return status()


def set_parameter(ctx: Context, key: str, value: Any) -> None:
    """Set a session parameter.

    Raises:
        SnowflakeError: 000002, if there is no such parameter here or it cannot have this value; 001006, if the value is
            none of its type.
    """
    value = read_parameter(key, value)
    if key == "TIMEZONE":
        _set_time_zone(ctx, str(value))
    ctx.session.parameters[key] = value
    if key == "AUTOCOMMIT":
        ctx.session.commit()
        ctx.session.autocommit = bool(value)


def unset_parameter(ctx: Context, key: str) -> None:
    """Give a session parameter its default again."""
    if not is_known(key):
        raise not_supported(f"parameter {key}")
    ctx.session.parameters.pop(key, None)
    if key == "TIMEZONE":
        _set_time_zone(ctx, DEFAULT_PARAMETERS[key])


def _set_time_zone(ctx: Context, name: str) -> None:
    """The zone that times without one are in: https://docs.snowflake.com/en/sql-reference/parameters#timezone."""
    try:
        ctx.session.duck.execute(f"SET TimeZone = {literal(name)}")
    except duckdb.Error:
        raise invalid_value("TIMEZONE", name) from None


@statement("SHOW", "PARAMETERS")
def show_parameters(ctx: Context, stmt: Statement) -> Result:
    """SHOW PARAMETERS [LIKE …] [IN …]."""
    reader = skip_head(stmt)
    keep = like_filter(read_clauses(reader).like)
    values = {**DEFAULT_PARAMETERS, **ctx.session.parameters}
    records = [
        {
            "key": key,
            "value": shown(values[key]),
            "default": shown(DEFAULT_PARAMETERS.get(key, "")),
            "level": "SESSION" if key in ctx.session.parameters else "",
            "description": "",
            "type": {bool: "BOOLEAN", int: "NUMBER"}.get(type(values[key]), "STRING"),
        }
        for key in sorted(values)
        if keep(key)
    ]
    return rows(records, dict.fromkeys(("key", "value", "default", "level", "description", "type")))


@statement("SET")
def set_variable(ctx: Context, stmt: Statement) -> Result:
    """SET name = expression."""
    reader = stmt.reader
    reader.expect("SET")
    name = reader.identifier()
    reader.expect("=")
    value = run_query(ctx, ctx.compiler.parse(ctx, f"SELECT {reader.rest()}")).table
    ctx.session.variables[name] = next(iter(value.to_pylist()[0].values()))
    return status()


@statement("UNSET")
def unset_variable(ctx: Context, stmt: Statement) -> Result:
    """UNSET name."""
    reader = stmt.reader
    reader.expect("UNSET")
    ctx.session.variables.pop(reader.identifier(), None)
    return status()


_CONTEXT = {
    "CURRENT_DATABASE": lambda s: s.database,
    "CURRENT_SCHEMA": lambda s: s.schema,
    "CURRENT_WAREHOUSE": lambda s: s.warehouse,
    "CURRENT_ROLE": lambda s: s.role,
    "CURRENT_USER": lambda s: s.user.upper(),
    "CURRENT_SESSION": lambda s: str(s.id),
    "CURRENT_ACCOUNT": lambda s: "LOCAL",
    "CURRENT_ACCOUNT_NAME": lambda s: "LOCAL",
    "CURRENT_ORGANIZATION_NAME": lambda s: "LOCAL",
    "CURRENT_REGION": lambda s: "LOCAL",
    "CURRENT_VERSION": lambda s: "10.0.0",
    "CURRENT_CLIENT": lambda s: s.client,
    "CURRENT_SECONDARY_ROLES": lambda s: json.dumps({"roles": "", "value": ""}),
    "CURRENT_AVAILABLE_ROLES": lambda s: json.dumps([s.role]),
    "CURRENT_TRANSACTION": lambda s: str(s.transaction) if s.in_transaction else None,
}


def _announce_context_functions() -> None:
    for name, read in _CONTEXT.items():
        system_function(name)(lambda ctx, *_, read=read: read(ctx.session))


_announce_context_functions()


@system_function("LAST_QUERY_ID")
def last_query_id(ctx: Context, number: int = -1) -> str | None:
    """LAST_QUERY_ID([n]): the id of the statement before this one, of the session's n-th, or of the n-th from its end.

    Source: https://docs.snowflake.com/en/sql-reference/functions/last_query_id
    """
    return ctx.session.query_ids.numbered(number)


@table_function("RESULT_SCAN")
def result_scan(ctx: Context, query_id: str) -> pa.Table:
    """RESULT_SCAN('id' | LAST_QUERY_ID([n])): an earlier result of this session as a table."""
    found = ctx.session.results.get(query_id)
    if found is None:
        raise does_not_exist("Statement", query_id)
    return found.table.rename_columns([c.name for c in found.columns])
