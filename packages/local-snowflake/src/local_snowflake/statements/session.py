"""USE, session parameters and variables, the functions of the session's context, and SYSTEM$WAIT."""

import threading
from typing import Any

from sqlglot import exp

from local_snowflake.errors import canceled, compilation_error
from local_snowflake.execution.context import Context
from local_snowflake.execution.registry import statement, system_function
from local_snowflake.execution.results import Result, rows, status
from local_snowflake.execution.show_clauses import like_filter, read_clauses
from local_snowflake.functions.zoned_times import zoned
from local_snowflake.sessions.parameters import DEFAULT_PARAMETERS, set_parameter, shown, unset_parameter
from local_snowflake.sql.names import Name
from local_snowflake.sql.queries import run_query
from local_snowflake.sql.statement import Statement, skip_head

_UNITS = {"DAYS": 86_400.0, "HOURS": 3600.0, "MINUTES": 60.0, "SECONDS": 1.0, "MILLISECONDS": 0.001}


@statement("USE", "", "DATABASE", "SCHEMA", "WAREHOUSE")
def use(ctx: Context, stmt: Statement) -> Result:
    """USE DATABASE | SCHEMA | WAREHOUSE name; ``USE name`` means a database, ``USE a.b`` a schema."""
    reader = skip_head(stmt)
    session = ctx.session
    parts = reader.name_parts()
    if stmt.kind == "WAREHOUSE":
        session.warehouse = _usable(ctx, "WAREHOUSE", Name("", "", parts[0])).name
    elif stmt.kind == "SCHEMA" or len(parts) == 2:
        schema = _usable(ctx, "SCHEMA", ctx.resolve_schema(parts))
        session.database, session.schema = schema.database, schema.name
    else:
        session.database = _usable(ctx, "DATABASE", Name("", "", parts[0])).name
        has_public = ctx.catalog.get("SCHEMA", Name(session.database, "", "PUBLIC"))
        session.schema = "PUBLIC" if has_public else None
    return status()


def _usable(ctx: Context, kind: str, name: Name) -> Name:
    """The name of an object that USE makes current; the roles need USAGE on it."""
    found = ctx.catalog.need(kind, name)
    ctx.rights.require(found, "USAGE")
    return found.name


@statement("ALTER", "SESSION")
def alter_session(ctx: Context, stmt: Statement) -> Result:
    """ALTER SESSION SET name = value … | UNSET name, …."""
    reader = skip_head(stmt)
    if reader.accept("SET"):
        for key, value in reader.options().items():
            set_parameter(ctx.session, key, value)
    else:
        reader.expect("UNSET")
        for key in reader.listed(reader.identifier):
            unset_parameter(ctx.session, key)
    reader.finish()
    return status()


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
    """SET name = expression | (name, …) = (expression, …): https://docs.snowflake.com/en/sql-reference/sql/set."""
    reader = stmt.reader
    reader.expect("SET")
    if reader.accept("("):
        names = reader.listed(reader.identifier)
        reader.expect(")")
        reader.expect("=")
        values = reader.parenthesised()
        reader.finish()
    else:
        names = [reader.identifier()]
        reader.expect("=")
        values = reader.rest()
    result = run_query(ctx, ctx.compiler.parse(ctx, f"SELECT {values}"))
    row = [_stored(result, column) for column in range(result.table.num_columns)]
    if len(row) != len(names):
        raise compilation_error(f"SET of {len(names)} variables has {len(row)} values.")
    ctx.session.variables.update(zip(names, row, strict=True))
    return status()


def _stored(result: Result, column: int) -> Any:
    """A variable's value; a TIMESTAMP_TZ as the cast that makes it, because a time alone does not show its type."""
    value = result.value(column)
    if value is None or result.columns[column].type.name != "TIMESTAMP_TZ":
        return value
    return zoned(exp.Literal.string(value.isoformat(sep=" ")), None)


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
    "CURRENT_USER": lambda s: s.user.upper(),
    "CURRENT_SESSION": lambda s: str(s.id),
    "CURRENT_VERSION": lambda s: "10.0.0",
    "CURRENT_CLIENT": lambda s: s.client,
    "CURRENT_TRANSACTION": lambda s: str(s.transaction) if s.in_transaction else None,
}


system_function("CURRENT_ACCOUNT", "CURRENT_ACCOUNT_NAME", "CURRENT_ORGANIZATION_NAME", "CURRENT_REGION")(
    lambda ctx, *_: ctx.services.account
)
for _name, _read in _CONTEXT.items():
    system_function(_name)(lambda ctx, *_, read=_read: read(ctx.session))


@system_function("LAST_QUERY_ID")
def last_query_id(ctx: Context, number: int = -1) -> str | None:
    """LAST_QUERY_ID([n]): the id of the statement before this one, of the session's n-th, or of the n-th from its end.

    Source: https://docs.snowflake.com/en/sql-reference/functions/last_query_id
    """
    return ctx.session.numbered_query(number)


@system_function("SYSTEM$WAIT", effective="VARCHAR")
def wait(ctx: Context, amount: float, unit: str = "SECONDS") -> str:
    """SYSTEM$WAIT(amount [, unit]): do nothing for a while; an interrupt of the session ends it.

    Raises 001003 for another unit; 000604 when it was interrupted.

    Source: https://docs.snowflake.com/en/sql-reference/functions/system_wait
    """
    if str(unit).upper() not in _UNITS:
        raise compilation_error(f"invalid unit [{unit}] of SYSTEM$WAIT: one of {', '.join(_UNITS)}.")
    interrupted = threading.Event()
    ctx.session.on_interrupt.append(interrupted.set)
    try:
        if interrupted.wait(float(amount) * _UNITS[str(unit).upper()]):
            raise canceled()
    finally:
        ctx.session.on_interrupt.remove(interrupted.set)
    return f"waited {amount:g} {str(unit).lower()}"


@statement("CALL", "SYSTEM$WAIT")
def call_wait(ctx: Context, stmt: Statement) -> Result:
    """CALL SYSTEM$WAIT(amount [, unit])."""
    reader = skip_head(stmt)
    amount, *unit = reader.value_list()
    reader.finish()
    return rows([{"SYSTEM$WAIT": wait(ctx, float(amount), *unit)}], {"SYSTEM$WAIT": None})
