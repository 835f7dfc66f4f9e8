"""Streams on tables and views: create, alter, drop, clone."""

from dataclasses import replace
from typing import Any

from local_snowflake import streams
from local_snowflake.catalog.catalog import Change
from local_snowflake.catalog.objects import STREAM, TABLE, VIEW, Object, Stream, StreamProps, Table, View
from local_snowflake.errors import compilation_error, does_not_exist, not_supported
from local_snowflake.execution.context import Context
from local_snowflake.execution.objects import check_options, drop, exists_already, read_existing, read_target
from local_snowflake.execution.registry import statement
from local_snowflake.execution.results import Result, status
from local_snowflake.sql.names import Name
from local_snowflake.sql.statement import Reader, Statement
from local_snowflake.streams.freshness import source_view
from local_snowflake.streams.layout import OFFSETS
from local_snowflake.streams.points import Point, read_point, version_at
from local_snowflake.streams.tracking import next_id, of, offsets_of
from local_snowflake.streams.views import base_tables

_OPTIONS = {"APPEND_ONLY", "SHOW_INITIAL_ROWS", "INSERT_ONLY", "COMMENT"}


@statement("CREATE", "STREAM")
def create_stream(ctx: Context, stmt: Statement) -> Result:
    """CREATE [OR REPLACE | OR ALTER] STREAM [IF NOT EXISTS] name ON TABLE | VIEW source [AT | BEFORE …] [options].

    Source: https://docs.snowflake.com/en/sql-reference/sql/create-stream
    """
    reader, name, if_not_exists = read_target(ctx, stmt)
    ctx.require_schema(name)
    ctx.copies_grants = reader.accept("COPY", "GRANTS")
    reader.expect("ON")
    kind = reader.accept_any("TABLE", "VIEW")
    if kind is None:
        raise not_supported(f"CREATE STREAM … ON {reader.peek()}")
    source = ctx.resolve(reader.name_parts())
    old = ctx.catalog.relation(name)
    point = read_point(ctx, reader)
    options = _read_options(reader)
    if STREAM.describes(old) and stmt.or_alter:
        return _alter_comment(ctx, old, options)
    if old is not None and not (STREAM.describes(old) and stmt.or_replace):
        return exists_already(STREAM, name, if_not_exists=if_not_exists)
    found = ctx.relation(source)
    if found is None or STREAM.describes(found) or found.kind != kind:
        raise does_not_exist(kind.capitalize(), source.fqn)
    if VIEW.describes(found) and found.props.temporary:
        raise not_supported("a stream on a temporary view")
    ctx.rights.require(found, "SELECT")
    props = StreamProps(
        id=0,
        mode="APPEND_ONLY" if _flag(options, "APPEND_ONLY") else "DEFAULT",
        initial_rows=_flag(options, "SHOW_INITIAL_ROWS"),
        source_type=kind.capitalize(),
        table_name=found.name.fqn,
    )
    _make(ctx, Object(STREAM, name, props, ctx.session.role, str(options.get("COMMENT", ""))), old, found, point)
    return status(f"Stream {name.name} successfully created.")


def _read_options(reader: Reader) -> dict[str, Any]:
    options = reader.options()
    reader.finish()
    check_options(options, _OPTIONS, STREAM, 2079, "22000")
    if _flag(options, "INSERT_ONLY"):
        text = "Streams of type INSERT_ONLY can only be created on external tables or Iceberg tables with an external"
        raise compilation_error(f"{text} catalog integration.", 2307, "42601")
    return options


def _flag(options: dict[str, Any], key: str) -> bool:
    return str(options.get(key, "FALSE")).upper() == "TRUE"


def _make(ctx: Context, new: Stream, old: Stream | None, source: Table | View, point: Point | None) -> None:
    """Create a stream; ``new`` has no numbers yet."""
    tables = base_tables(ctx, source) if VIEW.describes(source) else [source]
    # tables that are tracked already go on being written
    untracked = [t.name for t in tables if not streams.is_tracked(t)]
    with ctx.ddl(*untracked) as change:
        change.rely_on(source.name, *(t.name for t in tables))
        number = _numbered(change, source).props.change_source if VIEW.describes(source) else None
        new = replace(new, props=replace(new.props, id=next_id(change.duck), change_source=number))
        for table in tables:
            target = of(streams.enable(change, table))
            _put_offset(change, new.props, target.id, version_at(ctx, change.duck, target, point))
        if old:
            _forget_offsets(change, old)
        change.put(new)


def _numbered(change: Change, view: View) -> View:
    """The view with a number by which its streams know it."""
    if view.props.change_source:
        return view
    return change.put(
        replace(view, props=replace(view.props, change_source=next_id(change.duck), change_tracking=True))
    )


def _put_offset(change: Change, stream: StreamProps, tracked: int, version: int) -> None:
    values = [stream.id, tracked, version, stream.initial_rows]
    change.duck.execute(f"INSERT INTO {OFFSETS} VALUES (?, ?, ?, ?, now())", values)


def _forget_offsets(change: Change, stream: Stream) -> None:
    change.duck.execute(f"DELETE FROM {OFFSETS} WHERE stream = ?", [stream.props.id])


def clone_stream(ctx: Context, change: Change, stream: Stream, name: Name, clones: dict[Name, Table | View]) -> None:
    """Clone a stream with its schema: it begins now, what its original has not consumed is out of its reach.

    It follows ``clones``: the tables and views that were cloned with it, by the names of their originals.
    """
    props = replace(stream.props, id=next_id(change.duck))
    by_id = {of(t).id: t for t in ctx.services.catalog.all(TABLE) if streams.is_tracked(t)}
    for tracked, version, *_ in offsets_of(change.duck, stream.props.id):
        source = by_id.get(tracked)
        clone = clones.get(source.name) if source else None
        if TABLE.describes(clone):
            props = replace(props, table_name=clone.name.fqn)
            _put_offset(change, props, of(clone).id, 0)
        else:
            _put_offset(change, props, tracked, version)
    view = source_view(ctx, stream)
    if view and VIEW.describes(clone := clones.get(view.name)):
        clone = clones[view.name] = _numbered(change, clone)
        props = replace(props, change_source=clone.props.change_source, table_name=clone.name.fqn)
    change.put(Object(STREAM, name, props, ctx.session.role, stream.comment))


@statement("ALTER", "STREAM")
def alter_stream(ctx: Context, stmt: Statement) -> Result:
    """ALTER STREAM [IF EXISTS] name SET COMMENT = '…' | UNSET COMMENT.

    Source: https://docs.snowflake.com/en/sql-reference/sql/alter-stream
    """
    reader, found = read_existing(ctx, stmt, STREAM)
    if found is None:
        return status()
    if reader.accept("UNSET", "COMMENT"):
        reader.finish()
        return _alter_comment(ctx, found, {})
    reader.expect("SET")
    if reader.peek() == "TAG":
        raise not_supported("ALTER STREAM … SET TAG")
    options = reader.options()
    reader.finish()
    check_options(options, {"COMMENT"}, STREAM, 2079, "22000")
    return _alter_comment(ctx, found, options)


def _alter_comment(ctx: Context, stream: Stream, options: dict[str, Any]) -> Result:
    with ctx.ddl() as change:
        change.put(replace(stream, comment=str(options.get("COMMENT", ""))))
    return status()


@statement("DROP", "STREAM")
def drop_stream(ctx: Context, stmt: Statement) -> Result:
    """DROP STREAM [IF EXISTS] name: https://docs.snowflake.com/en/sql-reference/sql/drop-stream."""

    def remove(change: Change, stream: Stream) -> None:
        _forget_offsets(change, stream)
        change.drop(stream)

    return drop(ctx, stmt, STREAM, remove)
