"""CLONE of tables, schemas and databases: a copy of rows and definitions at the moment of the statement."""

from __future__ import annotations

import copy

from local_snowflake import streams
from local_snowflake.catalog.catalog import Change, Object
from local_snowflake.errors import already_exists, not_supported
from local_snowflake.execution.context import Context, temporary_name
from local_snowflake.execution.results import Result, status
from local_snowflake.sql.names import Name, physical_schema, quote
from local_snowflake.sql.statement import Reader
from local_snowflake.statements.definitions import (
    ColumnProps,
    column_definition,
    drop_table_data,
    next_identity,
    place_of,
)
from local_snowflake.streams.points import read_point
from local_snowflake.streams.statements import clone_stream
from local_snowflake.streams.time_travel import past_rows
from local_snowflake.tasks.statements import new_state

# what a schema's clone takes along: internal stages, models and temporary objects are not cloned
# https://docs.snowflake.com/en/sql-reference/sql/create-clone
_DEFINITIONS = ("VIEW", "PROCEDURE", "FUNCTION", "FILE FORMAT", "SEQUENCE", "TAG")


def refuse_time_travel(reader: Reader) -> None:
    """A clone of the past is not supported."""
    if reader.peek() in {"AT", "BEFORE"}:
        raise not_supported("CLONE … AT | BEFORE")


def clone_table(ctx: Context, name: Name, reader: Reader, *, or_replace: bool, temporary: bool) -> Result:
    """CREATE TABLE name CLONE source."""
    source = ctx.resolve(reader.name_parts())
    point = read_point(ctx, reader)
    reader.accept("COPY", "GRANTS")
    reader.finish()
    found = ctx.session.temporary.get(source) or ctx.catalog.need("TABLE", source)
    old = ctx.session.temporary.get(name) if temporary else ctx.catalog.relation(name)
    if old and not or_replace:
        raise already_exists(name.fqn)
    kept = past_rows(ctx, found, point) if point else f"SELECT * FROM {ctx.physical(source)}"
    with ctx.ddl(name) as change:
        change.rely_on(source)
        rows = quote("$CLONE")
        change.duck.execute(f"CREATE TEMP TABLE {rows} AS {kept}")
        if old:
            drop_table_data(ctx, change, old)
        target = f"temp.main.{quote(temporary_name(name))}" if temporary else name.physical
        columns = copy_definition(ctx, change, found, name, target, temporary=temporary)
        props = copy.deepcopy(found.props) | {"temporary": temporary, "columns": columns}
        made = Object("TABLE", name, props, ctx.session.role, found.comment)
        streams.clone_rows(change, found, rows, made, target)
        change.duck.execute(f"DROP TABLE {rows}")
        if temporary:
            ctx.session.temporary[name] = made
    return status(f"Table {name.name} successfully created.")


def copy_definition(
    ctx: Context, change: Change, source: Object, name: Name, target: str, *, temporary: bool = False
) -> list[ColumnProps]:
    """Make an empty DuckDB table with a table's own columns: types, NOT NULL, defaults; identities go on counting.

    Args:
        ctx: the statement's context.
        change: the DDL transaction.
        source: the table.
        name: the name of the table that is made.
        target: its DuckDB table.
        temporary: whether it is a temporary one.

    Returns:
        The columns as they are to be catalogued.
    """
    place, definitions, columns = place_of(name, temporary=temporary), [], []
    for column in copy.deepcopy(source.props["columns"]):
        made = dict(column)
        if identity := column.get("identity"):
            made["identity"] = [next_identity(ctx, change, source, column), identity[1]]
        definitions.append(column_definition(ctx, change, place, made))
        # what is catalogued says how the identity was declared
        columns.append(made | {"identity": identity} if identity else made)
    change.duck.execute(f"CREATE {'TEMP ' * temporary}TABLE {target} ({', '.join(definitions)})")
    return columns


def clone_schema_into(ctx: Context, change: Change, source: Name, target: Name) -> None:
    """Copy a schema's tables and definitions into ``target``, a schema that was just made; its streams start anew.

    Args:
        ctx: the statement's context.
        change: the change that also made the target.
        source: the catalogued name of the schema that is cloned.
        target: the catalogued name of the new one.
    """
    change.rely_on_all(source.database, source.name)
    clones = _clone_contents(ctx, change, source, target)
    _clone_streams(ctx, change, source, target, clones)
    _clone_tasks(ctx, change, source, target)


def _clone_contents(ctx: Context, change: Change, source: Name, target: Name) -> dict[Name, Object]:
    """Copy everything but streams; returns the cloned tables by the names of their sources."""
    clones: dict[Name, Object] = {}
    for table in ctx.catalog.all("TABLE", source.database, source.name):
        name = Name(target.database, target.name, table.name.name)
        columns = copy_definition(ctx, change, table, name, name.physical)
        props = copy.deepcopy(table.props) | {"columns": columns}
        made = Object("TABLE", name, props, ctx.session.role, table.comment)
        clones[table.name] = streams.clone_rows(change, table, table.name.physical, made, name.physical)
    for kind in _DEFINITIONS:
        for found in ctx.catalog.all(kind, source.database, source.name):
            name = Name(target.database, target.name, found.name.name)
            props = {key: value for key, value in copy.deepcopy(found.props).items() if key != "change_source"}
            made = change.put(Object(kind, name, props, ctx.session.role, found.comment))
            if kind == "VIEW":
                clones[found.name] = made
    return clones


def _clone_streams(ctx: Context, change: Change, source: Name, target: Name, clones: dict[Name, Object]) -> None:
    for stream in ctx.catalog.all("STREAM", source.database, source.name):
        clone_stream(ctx, change, stream, Name(target.database, target.name, stream.name.name), clones)


def _clone_tasks(ctx: Context, change: Change, source: Name, target: Name) -> None:
    """The tasks of a clone are suspended; what follows what in their graphs stays as it is."""
    for task in ctx.catalog.all("TASK", source.database, source.name):
        name = Name(target.database, target.name, task.name.name)
        change.put(Object("TASK", name, copy.deepcopy(task.props) | new_state(), ctx.session.role, task.comment))


def clone_database_into(ctx: Context, change: Change, source: str, target: str) -> None:
    """Copy every schema of a database into ``target``, a database that was just made."""
    change.rely_on_all(source)
    clones: dict[Name, Object] = {}
    schemas = ctx.catalog.all("SCHEMA", source)
    for schema in schemas:
        name = Name(target, "", schema.name.name)
        change.duck.execute(f"CREATE SCHEMA IF NOT EXISTS {quote(physical_schema(target, name.name))}")
        change.put(Object("SCHEMA", name, dict(schema.props), ctx.session.role, schema.comment))
        clones |= _clone_contents(ctx, change, schema.name, name)
    for schema in schemas:
        _clone_streams(ctx, change, schema.name, Name(target, "", schema.name.name), clones)
        _clone_tasks(ctx, change, schema.name, Name(target, "", schema.name.name))
