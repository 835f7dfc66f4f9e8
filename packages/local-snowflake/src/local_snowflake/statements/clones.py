"""CLONE of tables, schemas and databases: a copy of rows and definitions at the moment of the statement."""

from dataclasses import replace

from local_snowflake import streams
from local_snowflake.catalog.catalog import Change
from local_snowflake.catalog.objects import (
    FILE_FORMAT,
    FUNCTION,
    PROCEDURE,
    SCHEMA,
    SEQUENCE,
    STREAM,
    TABLE,
    TAG,
    TASK,
    VIEW,
    Column,
    Kind,
    Object,
    P,
    Table,
    View,
)
from local_snowflake.errors import already_exists, does_not_exist
from local_snowflake.execution.context import Context, temporary_name
from local_snowflake.execution.results import Result, status
from local_snowflake.privileges.rules import OWNERSHIP
from local_snowflake.sql.names import Name, physical_schema, quote
from local_snowflake.sql.statement import Reader
from local_snowflake.statements.definitions import column_definition, drop_table_data, next_identity, place_of
from local_snowflake.statements.sequences import clone_sequence
from local_snowflake.streams.points import read_point
from local_snowflake.streams.statements import clone_stream
from local_snowflake.streams.time_travel import past_rows
from local_snowflake.tasks.statements import as_new

# what a schema's clone takes along: internal stages, models and temporary objects are not cloned
# https://docs.snowflake.com/en/sql-reference/sql/create-clone
_DEFINITIONS = (PROCEDURE, FUNCTION, FILE_FORMAT, TAG)


def clone_table(ctx: Context, name: Name, reader: Reader, *, or_replace: bool, temporary: bool) -> Result:
    """CREATE TABLE name CLONE source."""
    source = ctx.resolve(reader.name_parts())
    point = read_point(ctx, reader)
    ctx.copies_grants = reader.accept("COPY", "GRANTS")
    reader.finish()
    found = ctx.temporary(source) or ctx.catalog.need(TABLE, source)
    if not TABLE.describes(found):
        raise does_not_exist(TABLE, source.fqn)
    ctx.rights.require(found, "SELECT")
    old = ctx.temporary(name) if temporary else ctx.catalog.relation(name)
    if old is not None and not (or_replace and TABLE.describes(old)):
        raise already_exists(name.fqn)
    query = past_rows(ctx, found, point) if point else f"SELECT * FROM {ctx.physical(source)}"
    with ctx.ddl(name) as change:
        change.rely_on(source)
        rows = quote("$CLONE")
        change.duck.execute(f"CREATE TEMP TABLE {rows} AS {query}")
        if old:
            drop_table_data(ctx, change, old)
        target = f"temp.main.{quote(temporary_name(name))}" if temporary else name.physical
        columns = copy_definition(ctx, change, found, name, target, temporary=temporary)
        props = replace(found.props, temporary=temporary, columns=columns)
        made = Object(TABLE, name, props, ctx.session.role, found.comment)
        made = streams.clone_rows(change, found, rows, made, target)
        change.duck.execute(f"DROP TABLE {rows}")
        if temporary:
            ctx.session.temporary_objects[made.key] = made
    return status(f"Table {name.name} successfully created.")


def copy_definition(
    ctx: Context, change: Change, source: Table, name: Name, target: str, *, temporary: bool = False
) -> tuple[Column, ...]:
    """Make an empty DuckDB table, ``target``, with a table's own columns; identities continue to count.

    Returns the columns as the catalog is to have them.
    """
    place, definitions, columns = place_of(name, temporary=temporary), [], []
    for column in source.props.columns:
        made = column
        if column.identity:
            start, step = column.identity
            made = replace(made, identity=(next_identity(ctx, change, source, column.name, start), step))
        made, definition = column_definition(ctx, change, place, made)
        definitions.append(definition)
        # the catalog has the identity as it was declared
        columns.append(replace(made, identity=column.identity))
    change.duck.execute(f"CREATE {'TEMP ' * temporary}TABLE {target} ({', '.join(definitions)})")
    return tuple(columns)


def clone_schema_into(ctx: Context, change: Change, source: Name, target: Name) -> None:
    """Copy a schema's tables and definitions into ``target``, which the same change makes; its streams start now.

    Both names are those that the schemas are catalogued by.
    """
    change.rely_on_all(source.database, source.name)
    _clone_schemas(ctx, change, {source: target})


def _clone_schemas(ctx: Context, change: Change, targets: dict[Name, Name]) -> None:
    """Copy what is in schemas; their streams may be on tables of any of them."""
    clones: dict[Name, Table | View] = {}
    for source, target in targets.items():
        clones |= _clone_contents(ctx, change, source, target)
    for source, target in targets.items():
        for stream in _held(ctx, STREAM, source, OWNERSHIP):
            clone_stream(ctx, change, stream, Name(target.database, target.name, stream.name.name), clones)
        # the tasks of a clone are suspended; what follows what in their graphs stays as it is
        for task in _held(ctx, TASK, source, OWNERSHIP):
            change.put(_copied(ctx, task, target, as_new(task.props)))


def _held(ctx: Context, kind: Kind[P], schema: Name, privilege: str) -> list[Object[P]]:
    """The objects of a kind in a schema that the roles may clone.

    Source: https://docs.snowflake.com/en/sql-reference/sql/create-clone#access-control-requirements
    """
    return [o for o in ctx.catalog.all(kind, schema.database, schema.name) if ctx.rights.holds(o, privilege)]


def _clone_contents(ctx: Context, change: Change, source: Name, target: Name) -> dict[Name, Table | View]:
    """Copy everything but streams; returns the cloned tables by the names of their sources."""
    clones: dict[Name, Table | View] = {}
    for table in _held(ctx, TABLE, source, "SELECT"):
        name = Name(target.database, target.name, table.name.name)
        columns = copy_definition(ctx, change, table, name, name.physical)
        made = _copied(ctx, table, target, replace(table.props, columns=columns))
        clones[table.name] = streams.clone_rows(change, table, table.name.physical, made, name.physical)
    for view in _held(ctx, VIEW, source, "SELECT"):
        clones[view.name] = change.put(_copied(ctx, view, target, replace(view.props, change_source=None)))
    schema = physical_schema(target.database, target.name)
    for sequence in ctx.catalog.all(SEQUENCE, source.database, source.name):
        change.put(_copied(ctx, sequence, target, clone_sequence(ctx, change, sequence, schema)))
    for kind in _DEFINITIONS:
        for found in ctx.catalog.all(kind, source.database, source.name):
            change.put(_copied(ctx, found, target, found.props))
    return clones


def _copied(ctx: Context, original: Object[P], schema: Name, props: P) -> Object[P]:
    name = Name(schema.database, schema.name, original.name.name)
    return Object(original.kind, name, props, ctx.session.role, original.comment)


def clone_database_into(ctx: Context, change: Change, source: str, target: str) -> None:
    """Copy every schema of a database into ``target``, a new database."""
    change.rely_on_all(source)
    targets = {}
    for schema in ctx.catalog.all(SCHEMA, source):
        targets[schema.name] = name = Name(target, "", schema.name.name)
        change.duck.execute(f"CREATE SCHEMA IF NOT EXISTS {quote(physical_schema(target, name.name))}")
        change.put(Object(SCHEMA, name, schema.props, ctx.session.role, schema.comment))
    _clone_schemas(ctx, change, targets)
