"""Databases and schemas: create, drop, alter (options are recorded), show."""

from collections.abc import Callable
from dataclasses import fields, replace
from functools import partial
from typing import Any

from local_snowflake.catalog.catalog import Change
from local_snowflake.catalog.objects import DATABASE, SCHEMA, TABLE, VIEW, DatabaseProps, Object, Schema
from local_snowflake.errors import not_supported
from local_snowflake.execution.context import Context
from local_snowflake.execution.objects import (
    absent,
    check_options,
    drop,
    keep_existing,
    read_name,
    read_target,
    refuse_other_case,
)
from local_snowflake.execution.registry import statement
from local_snowflake.execution.results import Result, rows, status
from local_snowflake.execution.show_clauses import common, pick, printed, read_clauses
from local_snowflake.sql.names import Name, physical_schema, quote
from local_snowflake.sql.statement import Reader, Statement, skip_head
from local_snowflake.statements.clones import clone_database_into, clone_schema_into

_OPTIONS = {"COMMENT", *(field.name.upper() for field in fields(DatabaseProps) if field.name != "transient")}


@statement("CREATE", "DATABASE", "SCHEMA")
def create(ctx: Context, stmt: Statement) -> Result:
    """CREATE [OR REPLACE] [TRANSIENT] DATABASE | SCHEMA [IF NOT EXISTS] name [CLONE source] [options]."""
    reader, name, if_not_exists = read_target(ctx, stmt)
    source = None
    if reader.accept("CLONE"):
        source = read_name(ctx, reader, stmt.kind)
        if reader.peek() in {"AT", "BEFORE"}:
            raise not_supported("CLONE … AT | BEFORE")
        ctx.catalog.need(stmt.kind, source)
    if stmt.kind == SCHEMA:
        _read_managed_access(ctx, reader)
        ctx.catalog.need(DATABASE, Name("", "", name.database))
    options = reader.options()
    reader.finish()
    old = ctx.catalog.get(stmt.kind, name)
    ctx.rights.refuse_unseen((stmt.kind,), name)
    if kept := keep_existing(stmt, name, old, if_not_exists=if_not_exists):
        return kept
    refuse_other_case(ctx, stmt.kind, name)
    comment = str(options.get("COMMENT", ""))
    with ctx.ddl() as change:
        if old:
            _REMOVE[stmt.kind](ctx, change, old)
        if stmt.kind == SCHEMA:
            _make_schema(ctx, change, name, comment, transient="TRANSIENT" in stmt.modifiers)
            if source:
                clone_schema_into(ctx, change, source, name)
        else:
            change.put(Object(DATABASE, name, DatabaseProps(), ctx.session.role, comment))
            if source:
                clone_database_into(ctx, change, source.name, name.name)
            for schema in () if source else ("PUBLIC", "INFORMATION_SCHEMA"):
                _make_schema(ctx, change, Name(name.name, "", schema))
    ctx.session.database, ctx.session.schema = (name.database or name.name, name.name if name.database else "PUBLIC")
    return status(f"{stmt.kind.capitalize()} {name.name} successfully created.")


def _read_managed_access(ctx: Context, reader: Reader) -> None:
    """Read WITH MANAGED ACCESS. Raise 000002 where it would keep somebody out of something."""
    if reader.accept("WITH", "MANAGED", "ACCESS") and ctx.services.access.enforced:
        raise not_supported("CREATE SCHEMA … WITH MANAGED ACCESS where privileges are enforced")


def _make_schema(ctx: Context, change: Change, name: Name, comment: str = "", *, transient: bool = False) -> None:
    change.duck.execute(f"CREATE SCHEMA IF NOT EXISTS {quote(physical_schema(name.database, name.name))}")
    change.put(Object(SCHEMA, name, DatabaseProps(transient=transient), ctx.session.role, comment))


def _remove_database(ctx: Context, change: Change, database: Object[DatabaseProps]) -> None:
    change.rely_on_all(database.name.name)
    ctx.catalog.refuse_lost(database.name.name)
    for schema in ctx.services.catalog.all(SCHEMA, database.name.name):
        _remove_schema(ctx, change, schema)
    change.drop(database)


def _remove_schema(ctx: Context, change: Change, schema: Schema) -> None:
    name = schema.name
    change.rely_on_all(name.database, name.name)
    ctx.catalog.refuse_lost(name.database, name.name)
    for contained in ctx.catalog.within(name.database, name.name):
        change.drop(contained)
    change.duck.execute(f"DROP SCHEMA IF EXISTS {quote(physical_schema(name.database, name.name))} CASCADE")
    change.drop(schema)
    for found in list(ctx.session.temporary_objects.values()):
        if found.kind in {TABLE, VIEW} and (found.name.database, found.name.schema) == (name.database, name.name):
            if TABLE.describes(found):
                change.duck.execute(f"DROP TABLE IF EXISTS {ctx.physical(found.name)}")
            del ctx.session.temporary_objects[found.key]


_REMOVE: dict[str, Callable[[Context, Change, Object[DatabaseProps]], None]] = {
    DATABASE: _remove_database,
    SCHEMA: _remove_schema,
}


@statement("DROP", "DATABASE", "SCHEMA")
def drop_database_or_schema(ctx: Context, stmt: Statement) -> Result:
    """DROP DATABASE | SCHEMA [IF EXISTS] name."""
    session = ctx.session

    def leave(dropped: Object[DatabaseProps]) -> None:
        if (DATABASE, session.database) == (dropped.kind, dropped.name.name):
            session.database = session.schema = None
        elif (session.database, session.schema) == (dropped.name.database, dropped.name.name):
            session.schema = None

    kind = DATABASE if stmt.kind == DATABASE else SCHEMA
    return drop(ctx, stmt, kind, partial(_REMOVE[kind], ctx), after=leave)


@statement("ALTER", "SCHEMA", "DATABASE")
def alter(ctx: Context, stmt: Statement) -> Result:
    """ALTER SCHEMA | DATABASE [IF EXISTS] [name] SET option = value … | UNSET option, …; without a name the current."""
    reader = skip_head(stmt)
    if_exists = reader.accept("IF", "EXISTS")
    if reader.peek() in {"SET", "UNSET"}:
        database = ctx.current_database()
        name = Name("", "", database) if stmt.kind == DATABASE else Name(database, "", ctx.current_schema())
    else:
        name = read_name(ctx, reader, stmt.kind)
    old = ctx.catalog.get(DATABASE if stmt.kind == DATABASE else SCHEMA, name)
    if old is None:
        absent(stmt.kind, name, if_exists=if_exists)
        return status()
    action = reader.accept_any("SET", "UNSET")
    if action is None or reader.peek() == "TAG":
        raise not_supported(f"ALTER {stmt.kind} … {action or ''} {reader.peek()}")
    options: dict[str, Any] = {}
    options |= reader.options() if action == "SET" else dict.fromkeys(reader.listed(reader.identifier))
    reader.finish()
    check_options(options, _OPTIONS, stmt.kind)
    comment = str(options.pop("COMMENT") or "") if "COMMENT" in options else old.comment
    recorded = {key.lower(): value for key, value in options.items()}
    with ctx.ddl() as change:
        change.put(replace(old, props=replace(old.props, **recorded), comment=comment))
    return status()


@statement("SHOW", "DATABASES", "TERSE DATABASES")
def show_databases(ctx: Context, stmt: Statement) -> Result:
    """SHOW DATABASES: https://docs.snowflake.com/en/sql-reference/sql/show-databases."""
    constant = {"is_default": "N", "origin": "", "options": "", "retention_time": "1", "kind": "STANDARD"}
    records = [
        {**common(o), **constant, "is_current": "Y" if o.name.name == ctx.session.database else "N"}
        for o in pick(read_clauses(skip_head(stmt)), ctx.catalog.all(DATABASE))
    ]
    names = ("created_on", "name", "is_default", "is_current", "origin", "owner", "comment", "options")
    return rows(records, printed(stmt, (*names, "retention_time", "kind")))


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
    return rows(records, printed(stmt, (*names, "retention_time", "owner_role_type")))
