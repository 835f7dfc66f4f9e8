"""USE, session parameters and variables, transactions, and the functions that tell the session's context."""

from __future__ import annotations

import json
from typing import Any

import duckdb
import pyarrow as pa

from local_snowflake import changes
from local_snowflake.context import Context
from local_snowflake.errors import SnowflakeError, does_not_exist, not_supported
from local_snowflake.names import Name, literal
from local_snowflake.parser import Statement, skip_head
from local_snowflake.registry import statement, system_function, table_function
from local_snowflake.results import Result, rows, status
from local_snowflake.scripting.blocks import run_anonymous
from local_snowflake.scripting.reading import is_block
from local_snowflake.showing import like_filter, read_clauses

# Snowflake's defaults: https://docs.snowflake.com/en/sql-reference/parameters
DEFAULT_PARAMETERS: dict[str, Any] = {
    "ABORT_DETACHED_QUERY": False,
    "AUTOCOMMIT": True,
    "BINARY_OUTPUT_FORMAT": "HEX",
    "CLIENT_SESSION_KEEP_ALIVE": False,
    "DATE_OUTPUT_FORMAT": "YYYY-MM-DD",
    "ERROR_ON_NONDETERMINISTIC_MERGE": True,
    "JSON_INDENT": 2,
    "LOCK_TIMEOUT": 43200,
    "MULTI_STATEMENT_COUNT": 1,
    "PYTHON_SNOWPARK_USE_SCOPED_TEMP_OBJECTS": True,
    "QUERY_TAG": "",
    "QUOTED_IDENTIFIERS_IGNORE_CASE": False,
    "STATEMENT_TIMEOUT_IN_SECONDS": 172800,
    "TIMESTAMP_TYPE_MAPPING": "TIMESTAMP_NTZ",
    "TIMEZONE": "UTC",
    "WEEK_START": 0,
}


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
    changes.mark_start(ctx.session)
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
    """Set a session parameter; the text is read as the type of the parameter's default.

    Raises:
        SnowflakeError: 001006, for a value that it cannot have.
    """
    default = DEFAULT_PARAMETERS.get(key)
    if isinstance(default, bool):
        value = str(value).lower() == "true"
    elif isinstance(default, int):
        value = _number(key, value)
    if key == "TIMEZONE":
        _set_time_zone(ctx, str(value))
    ctx.session.parameters[key] = value
    if key == "AUTOCOMMIT":
        ctx.session.commit()
        ctx.session.autocommit = bool(value)


def _number(key: str, value: Any) -> int:
    try:
        return int(value)
    except (TypeError, ValueError):
        raise _invalid(key, value) from None


def _invalid(key: str, value: Any) -> SnowflakeError:
    return SnowflakeError(1006, "22023", f"invalid value [{value}] for parameter '{key}'")


def unset_parameter(ctx: Context, key: str) -> None:
    """Give a session parameter its default again."""
    ctx.session.parameters.pop(key, None)
    if key == "TIMEZONE":
        _set_time_zone(ctx, DEFAULT_PARAMETERS[key])


def _set_time_zone(ctx: Context, name: str) -> None:
    """The zone that times without one are in: https://docs.snowflake.com/en/sql-reference/parameters#timezone."""
    try:
        ctx.session.duck.execute(f"SET TimeZone = {literal(name)}")
    except duckdb.Error:
        raise _invalid("TIMEZONE", name) from None


@statement("SHOW", "PARAMETERS")
def show_parameters(ctx: Context, stmt: Statement) -> Result:
    """SHOW PARAMETERS [LIKE …] [IN …]."""
    reader = skip_head(stmt)
    keep = like_filter(read_clauses(reader).like)
    values = {**DEFAULT_PARAMETERS, **ctx.session.parameters}
    records = [
        {
            "key": key,
            "value": _text(values[key]),
            "default": _text(DEFAULT_PARAMETERS.get(key, "")),
            "level": "SESSION" if key in ctx.session.parameters else "",
            "description": "",
            "type": {bool: "BOOLEAN", int: "NUMBER"}.get(type(values[key]), "STRING"),
        }
        for key in sorted(values)
        if keep(key)
    ]
    return rows(records, dict.fromkeys(("key", "value", "default", "level", "description", "type")))


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


@statement("SET")
def set_variable(ctx: Context, stmt: Statement) -> Result:
    """SET name = expression."""
    reader = stmt.reader
    reader.expect("SET")
    name = reader.identifier()
    reader.expect("=")
    value = ctx.execute(f"SELECT {reader.rest()}").table
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
def last_query_id(ctx: Context, *_: int) -> str | None:
    """LAST_QUERY_ID(): the id of the statement before this one."""
    return ctx.session.last_query_id


@table_function("RESULT_SCAN")
def result_scan(ctx: Context, query_id: str) -> pa.Table:
    """RESULT_SCAN('id' | LAST_QUERY_ID()): an earlier result of this session as a table."""
    wanted = ctx.session.last_query_id if "LAST_QUERY_ID" in str(query_id).upper() else query_id
    found = ctx.session.results.get(str(wanted))
    if found is None:
        raise does_not_exist("Statement", str(wanted))
    return found.table.rename_columns([c.name for c in found.columns])
