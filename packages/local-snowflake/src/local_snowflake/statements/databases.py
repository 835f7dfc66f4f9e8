"""Databases and schemas: create, drop, alter (options are recorded), show."""

from dataclasses import fields, replace
from functools import partial
from typing import Any

from local_snowflake.catalog.catalog import Change
from local_snowflake.catalog.objects import DATABASE, SCHEMA, DatabaseProps, Object, OptionValue, Schema
from local_snowflake.errors import not_supported
from local_snowflake.execution.context import Context
from local_snowflake.execution.ddl import check_options, drop, exists_already, find, read_name, read_new
from local_snowflake.execution.registry import statement
from local_snowflake.execution.results import Result, rows, status
from local_snowflake.execution.show_clauses import common, pick, read_clauses
from local_snowflake.sql.names import Name, physical_schema, quote
from local_snowflake.sql.statement import Reader, Statement, skip_head
from local_snowflake.statements.clones import clone_database_into, clone_schema_into, refuse_time_travel

_OPTIONS = {"COMMENT", *(field.name.upper() for field in fields(DatabaseProps) if field.name != "transient")}


@statement("CREATE", "DATABASE")
def create_database(ctx: Context, stmt: Statement) -> Result:
    """CREATE [OR REPLACE] [TRANSIENT] DATABASE [IF NOT EXISTS] name [options]."""
    reader, name, if_not_exists = read_new(ctx, stmt)
    source = _read_clone(ctx, reader, "DATABASE")
    options = reader.options()
    reader.finish()
    old = ctx.catalog.get(DATABASE, name)
    if old and not stmt.or_replace:
        return exists_already(DATABASE, name, if_not_exists=if_not_exists)
    with ctx.ddl() as change:
        if old:
            _remove_database(ctx, change, old)
        comment = str(options.get("COMMENT", ""))
        change.put(Object(DATABASE, name, DatabaseProps(), ctx.session.role, comment))
        if source:
            clone_database_into(ctx, change, source.name, name.name)
        else:
            for schema in ("PUBLIC", "INFORMATION_SCHEMA"):
                _make_schema(ctx, change, Name(name.name, "", schema))
    ctx.session.database, ctx.session.schema = name.name, "PUBLIC"
    return status(f"Database {name.name} successfully created.")


def _read_clone(ctx: Context, reader: Reader, kind: str) -> Name | None:
    """Read ``CLONE source`` if it comes next; the source must be there."""
    if not reader.accept("CLONE"):
        return None
    source = read_name(ctx, reader, kind)
    refuse_time_travel(reader)
    return ctx.catalog.need(kind, source).name


def _make_schema(ctx: Context, change: Change, name: Name, comment: str = "", *, transient: bool = False) -> None:
    change.duck.execute(f"CREATE SCHEMA IF NOT EXISTS {quote(physical_schema(name.database, name.name))}")
    change.put(Object(SCHEMA, name, DatabaseProps(transient=transient), ctx.session.role, comment))


def _remove_database(ctx: Context, change: Change, database: Object[DatabaseProps]) -> None:
    change.rely_on_all(database.name.name)
    for schema in ctx.catalog.all(SCHEMA, database.name.name):
        _remove_schema(ctx, change, schema)
    change.drop(database)


def _remove_schema(ctx: Context, change: Change, schema: Schema) -> None:
    name = schema.name
    change.rely_on_all(name.database, name.name)
    for contained in ctx.catalog.within(name.database, name.name):
        change.drop(contained)
    change.duck.execute(f"DROP SCHEMA IF EXISTS {quote(physical_schema(name.database, name.name))} CASCADE")
    change.drop(schema)
    for temporary in [t for t in ctx.session.temporary if (t.database, t.schema) == (name.database, name.name)]:
        change.duck.execute(f"DROP TABLE IF EXISTS {ctx.physical(temporary)}")
        del ctx.session.temporary[temporary]


@statement("DROP", "DATABASE")
def drop_database(ctx: Context, stmt: Statement) -> Result:
    """DROP DATABASE [IF EXISTS] name."""

    def leave(database: Object[DatabaseProps]) -> None:
        if ctx.session.database == database.name.name:
            ctx.session.database = ctx.session.schema = None

    return drop(ctx, stmt, DATABASE, partial(_remove_database, ctx), after=leave)


@statement("CREATE", "SCHEMA")
def create_schema(ctx: Context, stmt: Statement) -> Result:
    """CREATE [OR REPLACE] [TRANSIENT] SCHEMA [IF NOT EXISTS] name [options]."""
    reader, name, if_not_exists = read_new(ctx, stmt)
    source = _read_clone(ctx, reader, "SCHEMA")
    reader.accept("WITH", "MANAGED", "ACCESS")
    options = reader.options()
    reader.finish()
    ctx.catalog.need(DATABASE, Name("", "", name.database))
    old = ctx.catalog.get(SCHEMA, name)
    if old and not stmt.or_replace:
        return exists_already(SCHEMA, name, if_not_exists=if_not_exists)
    with ctx.ddl() as change:
        if old:
            _remove_schema(ctx, change, old)
        _make_schema(ctx, change, name, str(options.get("COMMENT", "")), transient="TRANSIENT" in stmt.modifiers)
        if source:
            clone_schema_into(ctx, change, source, name)
    ctx.session.database, ctx.session.schema = name.database, name.name
    return status(f"Schema {name.name} successfully created.")


@statement("DROP", "SCHEMA")
def drop_schema(ctx: Context, stmt: Statement) -> Result:
    """DROP SCHEMA [IF EXISTS] name."""

    def leave(schema: Schema) -> None:
        if (ctx.session.database, ctx.session.schema) == (schema.name.database, schema.name.name):
            ctx.session.schema = None

    return drop(ctx, stmt, SCHEMA, partial(_remove_schema, ctx), after=leave)


@statement("ALTER", "SCHEMA", "DATABASE")
def alter(ctx: Context, stmt: Statement) -> Result:
    """ALTER SCHEMA | DATABASE [IF EXISTS] [name] SET option = value … | UNSET option, …; without a name the current."""
    reader = skip_head(stmt)
    if_exists = reader.accept("IF", "EXISTS")
    name = _named(ctx, reader, stmt.kind)
    old = find(ctx, DATABASE if stmt.kind == DATABASE else SCHEMA, name, if_exists=if_exists)
    if old is None:
        return status()
    action = reader.accept_any("SET", "UNSET")
    if action is None or reader.peek() == "TAG":
        raise not_supported(f"ALTER {stmt.kind} … {action or ''} {reader.peek()}")
    options = reader.options() if action == "SET" else _unset(reader)
    reader.finish()
    check_options(options, _OPTIONS, stmt.kind)
    comment = str(options.pop("COMMENT") or "") if "COMMENT" in options else old.comment
    recorded: dict[str, Any] = {key.lower(): value for key, value in options.items()}
    with ctx.ddl() as change:
        change.put(replace(old, props=replace(old.props, **recorded), comment=comment))
    return status()


def _named(ctx: Context, reader: Reader, kind: str) -> Name:
    if reader.peek() in {"SET", "UNSET"}:
        database = ctx.current_database()
        return Name("", "", database) if kind == DATABASE else Name(database, "", ctx.current_schema())
    return read_name(ctx, reader, kind)


def _unset(reader: Reader) -> dict[str, OptionValue | None]:
    """The options of UNSET."""
    found: dict[str, OptionValue | None] = {}
    while not reader.done:
        found[reader.identifier()] = None
        reader.accept(",")
    return found


@statement("SHOW", "DATABASES", "TERSE DATABASES")
def show_databases(ctx: Context, stmt: Statement) -> Result:
    """SHOW DATABASES: https://docs.snowflake.com/en/sql-reference/sql/show-databases."""
    constant = {"is_default": "N", "origin": "", "options": "", "retention_time": "1", "kind": "STANDARD"}
    records = [
        {**common(o), **constant, "is_current": "Y" if o.name.name == ctx.session.database else "N"}
        for o in pick(read_clauses(skip_head(stmt)), ctx.catalog.all(DATABASE))
    ]
    names = ("created_on", "name", "is_default", "is_current", "origin", "owner", "comment", "options")
    return rows(records, (*names, "retention_time", "kind"))


@statement("SHOW", "SCHEMAS", "TERSE SCHEMAS")
def show_schemas(ctx: Context, stmt: Statement) -> Result:
    """SHOW SCHEMAS: https://docs.snowflake.com/en/sql-reference/sql/show-schemas."""
    clauses = read_clauses(skip_head(stmt))
    database = clauses.parts[-1] if clauses.parts else None if clauses.scope == "ACCOUNT" else ctx.session.database
    if clauses.parts:
        ctx.catalog.need(DATABASE, Name("", "", clauses.parts[0]))
    current = ctx.session.database, ctx.session.schema
    records = [
        {
            **common(o),
            "is_default": "N",
            "is_current": "Y" if (o.name.database, o.name.name) == current else "N",
            "options": "TRANSIENT" if o.props.transient else "",
            "retention_time": "1",
        }
        for o in pick(clauses, ctx.catalog.all(SCHEMA, database))
    ]
    names = ("created_on", "name", "is_default", "is_current", "database_name", "owner", "comment", "options")
    return rows(records, (*names, "retention_time", "owner_role_type"))
