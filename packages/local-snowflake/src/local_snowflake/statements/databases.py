"""Databases and schemas: create, drop, alter (options are recorded), show."""

from dataclasses import replace

import pyarrow as pa

from local_snowflake.catalog.catalog import Change
from local_snowflake.catalog.objects import DATABASE, SCHEMA, DatabaseProps, Object, OptionValue, Schema
from local_snowflake.errors import already_exists, compilation_error, does_not_exist, not_supported
from local_snowflake.execution.context import Context
from local_snowflake.execution.registry import statement
from local_snowflake.execution.results import Result, rows, status
from local_snowflake.execution.show_clauses import pick, read_clauses
from local_snowflake.sql.names import Name, physical_schema, quote
from local_snowflake.sql.statement import Reader, Statement, skip_head
from local_snowflake.statements.clones import clone_database_into, clone_schema_into, refuse_time_travel

TIME = pa.timestamp("us", "UTC")
_OPTIONS = {
    "COMMENT",
    "DATA_RETENTION_TIME_IN_DAYS",
    "MAX_DATA_EXTENSION_TIME_IN_DAYS",
    "DEFAULT_DDL_COLLATION",
    "DEFAULT_PYTHON_ARTIFACT_REPOSITORY",
    "LOG_LEVEL",
    "TRACE_LEVEL",
}


def read_if_not_exists(reader: Reader) -> bool:
    """Read IF NOT EXISTS if it comes next."""
    return reader.accept("IF", "NOT", "EXISTS")


@statement("CREATE", "DATABASE")
def create_database(ctx: Context, stmt: Statement) -> Result:
    """CREATE [OR REPLACE] [TRANSIENT] DATABASE [IF NOT EXISTS] name [options]."""
    reader = skip_head(stmt)
    if_not_exists = read_if_not_exists(reader)
    name = Name("", "", reader.identifier())
    if_not_exists = read_if_not_exists(reader) or if_not_exists
    source = _read_clone(ctx, reader, "DATABASE")
    options = reader.options()
    reader.finish()
    old = ctx.catalog.get(DATABASE, name)
    if old and not stmt.or_replace:
        if not if_not_exists:
            raise already_exists(name.name)
        return status(f"{name.name} already exists, statement succeeded.")
    with ctx.ddl() as change:
        if old:
            _drop_database(ctx, change, name.name)
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
    parts = reader.name_parts()
    source = Name("", "", parts[0]) if kind == DATABASE else ctx.resolve_schema(parts)
    refuse_time_travel(reader)
    return ctx.catalog.need(kind, source).name


def _make_schema(ctx: Context, change: Change, name: Name, comment: str = "", *, transient: bool = False) -> None:
    change.duck.execute(f"CREATE SCHEMA IF NOT EXISTS {quote(physical_schema(name.database, name.name))}")
    change.put(Object(SCHEMA, name, DatabaseProps(transient=transient), ctx.session.role, comment))


def _drop_database(ctx: Context, change: Change, database: str) -> None:
    change.rely_on_all(database)
    for schema in ctx.catalog.all(SCHEMA, database):
        _drop_schema(ctx, change, schema)
    change.drop(ctx.catalog.need(DATABASE, Name("", "", database)))


def _drop_schema(ctx: Context, change: Change, schema: Schema) -> None:
    name = schema.name
    change.rely_on_all(name.database, name.name)
    change.drop_all(ctx.catalog.within(name.database, name.name))
    change.duck.execute(f"DROP SCHEMA IF EXISTS {quote(physical_schema(name.database, name.name))} CASCADE")
    change.drop(schema)
    for temporary in [t for t in ctx.session.temporary if (t.database, t.schema) == (name.database, name.name)]:
        change.duck.execute(f"DROP TABLE IF EXISTS {ctx.physical(temporary)}")
        del ctx.session.temporary[temporary]


@statement("DROP", "DATABASE")
def drop_database(ctx: Context, stmt: Statement) -> Result:
    """DROP DATABASE [IF EXISTS] name."""
    reader = skip_head(stmt)
    if_exists = reader.accept("IF", "EXISTS")
    database = reader.identifier()
    reader.accept_any("CASCADE", "RESTRICT")
    reader.finish()
    if not ctx.catalog.get(DATABASE, Name("", "", database)):
        if if_exists:
            return status("Drop statement executed successfully (" + database + " already dropped).")
        raise does_not_exist("DATABASE", database)
    with ctx.ddl() as change:
        _drop_database(ctx, change, database)
    if ctx.session.database == database:
        ctx.session.database = ctx.session.schema = None
    return status(f"{database} successfully dropped.")


@statement("CREATE", "SCHEMA")
def create_schema(ctx: Context, stmt: Statement) -> Result:
    """CREATE [OR REPLACE] [TRANSIENT] SCHEMA [IF NOT EXISTS] name [options]."""
    reader = skip_head(stmt)
    if_not_exists = read_if_not_exists(reader)
    name = ctx.resolve_schema(reader.name_parts())
    if_not_exists = read_if_not_exists(reader) or if_not_exists
    source = _read_clone(ctx, reader, "SCHEMA")
    reader.accept("WITH", "MANAGED", "ACCESS")
    options = reader.options()
    reader.finish()
    ctx.catalog.need(DATABASE, Name("", "", name.database))
    old = ctx.catalog.get(SCHEMA, name)
    if old and not stmt.or_replace:
        if not if_not_exists:
            raise already_exists(f"{name.database}.{name.name}")
        return status(f"{name.name} already exists, statement succeeded.")
    with ctx.ddl() as change:
        if old:
            _drop_schema(ctx, change, old)
        _make_schema(ctx, change, name, str(options.get("COMMENT", "")), transient="TRANSIENT" in stmt.modifiers)
        if source:
            clone_schema_into(ctx, change, source, name)
    ctx.session.database, ctx.session.schema = name.database, name.name
    return status(f"Schema {name.name} successfully created.")


@statement("DROP", "SCHEMA")
def drop_schema(ctx: Context, stmt: Statement) -> Result:
    """DROP SCHEMA [IF EXISTS] name."""
    reader = skip_head(stmt)
    if_exists = reader.accept("IF", "EXISTS")
    name = ctx.resolve_schema(reader.name_parts())
    reader.accept_any("CASCADE", "RESTRICT")
    reader.finish()
    schema = ctx.catalog.get(SCHEMA, name)
    if schema is None:
        if if_exists:
            return status("Drop statement executed successfully (" + name.name + " already dropped).")
        raise does_not_exist("SCHEMA", f"{name.database}.{name.name}")
    with ctx.ddl() as change:
        _drop_schema(ctx, change, schema)
    if (ctx.session.database, ctx.session.schema) == (name.database, name.name):
        ctx.session.schema = None
    return status(f"{name.name} successfully dropped.")


@statement("ALTER", "SCHEMA", "DATABASE")
def alter(ctx: Context, stmt: Statement) -> Result:
    """ALTER SCHEMA | DATABASE [IF EXISTS] [name] SET option = value … | UNSET option, …; without a name the current."""
    reader = skip_head(stmt)
    if_exists = reader.accept("IF", "EXISTS")
    name = _named(ctx, reader, stmt.kind)
    found = ctx.catalog.get(stmt.kind, name)
    if found is None and if_exists:
        return status()
    old = ctx.catalog.need(stmt.kind, name)
    action = reader.accept_any("SET", "UNSET")
    if action is None or reader.peek() == "TAG":
        raise not_supported(f"ALTER {stmt.kind} … {action or ''} {reader.peek()}")
    options = reader.options() if action == "SET" else _unset(reader)
    reader.finish()
    if unknown := set(options) - _OPTIONS:
        raise compilation_error(f"invalid property '{sorted(unknown)[0]}' for '{stmt.kind}'", 1008, "22023")
    comment = str(options.pop("COMMENT") or "") if "COMMENT" in options else old.comment
    props = replace(old.props, **{key.lower(): value for key, value in options.items()})
    with ctx.ddl() as change:
        change.put(replace(old, props=props, comment=comment))
    return status()


def _named(ctx: Context, reader: Reader, kind: str) -> Name:
    if reader.peek() in {"SET", "UNSET"}:
        database = ctx.current_database()
        return Name("", "", database) if kind == DATABASE else Name(database, "", ctx.current_schema())
    parts = reader.name_parts()
    return Name("", "", parts[0]) if kind == DATABASE else ctx.resolve_schema(parts)


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
    found = pick(read_clauses(skip_head(stmt)), ctx.catalog.all(DATABASE))
    records = [
        {
            "created_on": o.created_on,
            "name": o.name.name,
            "is_default": "N",
            "is_current": "Y" if o.name.name == ctx.session.database else "N",
            "origin": "",
            "owner": o.owner,
            "comment": o.comment,
            "options": "",
            "retention_time": "1",
            "kind": "STANDARD",
        }
        for o in found
    ]
    names = ("name", "is_default", "is_current", "origin", "owner", "comment", "options", "retention_time", "kind")
    return rows(records, {"created_on": TIME, **dict.fromkeys(names)})


@statement("SHOW", "SCHEMAS", "TERSE SCHEMAS")
def show_schemas(ctx: Context, stmt: Statement) -> Result:
    """SHOW SCHEMAS: https://docs.snowflake.com/en/sql-reference/sql/show-schemas."""
    clauses = read_clauses(skip_head(stmt))
    database = clauses.parts[-1] if clauses.parts else None if clauses.scope == "ACCOUNT" else ctx.session.database
    if clauses.parts:
        ctx.catalog.need(DATABASE, Name("", "", clauses.parts[0]))
    found = pick(clauses, ctx.catalog.all(SCHEMA, database))
    records = [
        {
            "created_on": o.created_on,
            "name": o.name.name,
            "is_default": "N",
            "is_current": "Y" if (o.name.database, o.name.name) == (ctx.session.database, ctx.session.schema) else "N",
            "database_name": o.name.database,
            "owner": o.owner,
            "comment": o.comment,
            "options": "TRANSIENT" if o.props.transient else "",
            "retention_time": "1",
            "owner_role_type": "ROLE",
        }
        for o in found
    ]
    names = ("name", "is_default", "is_current", "database_name", "owner", "comment", "options", "retention_time")
    return rows(records, {"created_on": TIME, **dict.fromkeys((*names, "owner_role_type"))})
