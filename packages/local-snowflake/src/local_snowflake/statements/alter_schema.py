"""ALTER SCHEMA and ALTER DATABASE: their options are recorded.

Source: https://docs.snowflake.com/en/sql-reference/sql/alter-schema, …/sql/alter-database
"""

from __future__ import annotations

from local_snowflake.catalog.catalog import Object
from local_snowflake.errors import compilation_error, not_supported
from local_snowflake.execution.context import Context
from local_snowflake.execution.registry import statement
from local_snowflake.execution.results import Result, status
from local_snowflake.sql.names import Name
from local_snowflake.sql.statement import Reader, Statement, skip_head

_OPTIONS = {
    "COMMENT",
    "DATA_RETENTION_TIME_IN_DAYS",
    "MAX_DATA_EXTENSION_TIME_IN_DAYS",
    "DEFAULT_DDL_COLLATION",
    "DEFAULT_PYTHON_ARTIFACT_REPOSITORY",
    "LOG_LEVEL",
    "TRACE_LEVEL",
}


@statement("ALTER", "SCHEMA", "DATABASE")
def alter(ctx: Context, stmt: Statement) -> Result:
    """ALTER SCHEMA | DATABASE [IF EXISTS] [name] SET option = value … | UNSET option, …; without a name the current."""
    reader = skip_head(stmt)
    if_exists = reader.accept("IF", "EXISTS")
    name = _name(ctx, reader, stmt.kind)
    found = ctx.catalog.get(stmt.kind, name)
    if found is None and if_exists:
        return status()
    old = ctx.catalog.need(stmt.kind, name)
    action = reader.accept_any("SET", "UNSET")
    if action is None or reader.peek() == "TAG":
        raise not_supported(f"ALTER {stmt.kind} … {action or ''} {reader.peek()}")
    given = reader.options() if action == "SET" else _names(reader)
    reader.finish()
    if unknown := set(given) - _OPTIONS:
        raise compilation_error(f"invalid property '{sorted(unknown)[0]}' for '{stmt.kind}'", 1008, "22023")
    comment = str(given.pop("COMMENT") or "") if "COMMENT" in given else old.comment
    props = old.props | {key.lower(): value for key, value in given.items()}
    with ctx.ddl() as change:
        change.put(Object(old.kind, old.name, props, old.owner, comment, old.created_on))
    return status()


def _name(ctx: Context, reader: Reader, kind: str) -> Name:
    if reader.peek() in {"SET", "UNSET"}:
        database = ctx.current_database()
        return Name("", "", database) if kind == "DATABASE" else Name(database, "", ctx.current_schema())
    parts = reader.name_parts()
    return Name("", "", parts[0]) if kind == "DATABASE" else ctx.resolve_schema(parts)


def _names(reader: Reader) -> dict[str, str | list[str] | None]:
    """The options of UNSET."""
    found: dict[str, str | list[str] | None] = {}
    while not reader.done:
        found[reader.identifier()] = None
        reader.accept(",")
    return found
