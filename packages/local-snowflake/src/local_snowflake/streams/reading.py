"""Streams in use: show, describe, read in FROM, and ask whether they have data."""

from datetime import datetime
from typing import Any

from sqlglot import exp

from local_snowflake.catalog.objects import STREAM, TABLE, Stream
from local_snowflake.errors import does_not_exist
from local_snowflake.execution.context import Context
from local_snowflake.execution.registry import source, source_columns, statement, system_function
from local_snowflake.execution.results import TIME, Result, rows
from local_snowflake.execution.show_clauses import common, read_clauses, select
from local_snowflake.sql.statement import Statement, skip_head
from local_snowflake.streams import delta
from local_snowflake.streams.freshness import freshness, keep_fresh, offset_time, readable_sources, source_view
from local_snowflake.streams.points import need_stream
from local_snowflake.streams.time_travel import refuse_past
from local_snowflake.streams.tracking import Tracked, by_id, offsets_of, versions_of
from local_snowflake.streams.views import view_stream_sql

_GONE = "No privilege or table dropped"


@statement("SHOW", "STREAMS", "TERSE STREAMS")
def show_streams(ctx: Context, stmt: Statement) -> Result:
    """SHOW STREAMS: https://docs.snowflake.com/en/sql-reference/sql/show-streams."""
    return _shown(ctx, select(ctx, read_clauses(skip_head(stmt)), STREAM))


@statement("DESCRIBE", "STREAM")
def describe_stream(ctx: Context, stmt: Statement) -> Result:
    """DESCRIBE STREAM name: https://docs.snowflake.com/en/sql-reference/sql/desc-stream."""
    return _shown(ctx, [ctx.catalog.need(STREAM, ctx.resolve(skip_head(stmt).name_parts()))])


def _shown(ctx: Context, streams: list[Stream]) -> Result:
    names = ("created_on", "name", "database_name", "schema_name", "owner", "comment", "table_name", "source_type")
    more = ("base_tables", "type", "stale", "mode", "stale_after", "invalid_reason", "owner_role_type")
    return rows([_record(ctx, s) for s in streams], dict.fromkeys((*names, *more)) | {"stale_after": TIME})


def _record(ctx: Context, stream: Stream) -> dict[str, Any]:
    state = freshness(ctx, stream, ctx.session.duck)
    tables = [s.name.fqn for s in state.sources if s]
    view = source_view(ctx, stream)
    return {
        **common(stream),
        "table_name": _GONE if state.gone else view.name.fqn if view else tables[0],
        "source_type": stream.props.source_type,
        "base_tables": _GONE if state.gone else ", ".join(tables),
        "type": "DELTA",
        "stale": str(state.stale).lower(),
        "mode": stream.props.mode,
        "stale_after": state.stale_after,
        "invalid_reason": "N/A",
    }


@source("STREAM")
def read_stream(ctx: Context, stream: Stream, table: exp.Table) -> exp.Expression:
    """A stream in FROM: the changes in the transaction's offset range, as DuckDB's SQL that needs no translation."""
    refuse_past(table, "a stream")
    sources, props = readable_sources(ctx, stream), stream.props
    ctx.streams.add(props.id)
    _require_source(ctx, stream, sources)
    if view := source_view(ctx, stream):
        return exp.var(view_stream_sql(ctx, view, stream, sources))
    append_only = props.mode == "APPEND_ONLY"
    return exp.var(delta.stream_sql(sources[0], props.id, append_only=append_only, initial_rows=props.initial_rows))


def _require_source(ctx: Context, stream: Stream, sources: list[Tracked]) -> None:
    """Whoever reads a stream needs SELECT on its table or view, too.

    Source: https://docs.snowflake.com/en/user-guide/streams-manage#required-access-privileges
    """
    view = source_view(ctx, stream)
    for name in [view.name] if view else [each.name for each in sources]:
        if (relation := ctx.catalog.relation(name)) is None:
            raise does_not_exist("Object", name.fqn)
        ctx.rights.require(relation, "SELECT")


@source_columns("STREAM")
def stream_columns(ctx: Context, stream: Stream) -> dict[str, str]:
    """Those of its source, and the three METADATA$ columns; of a source that is gone only these."""
    tables = [by_id(ctx, tracked) for tracked, *_ in offsets_of(ctx.session.duck, stream.props.id)]
    relation = source_view(ctx, stream) or next(
        (ctx.services.catalog.get(TABLE, each.name) for each in tables if each), None
    )
    columns = {column.name: column.type for column in relation.props.columns} if relation else {}
    return columns | {delta.ACTION: "VARCHAR", delta.ISUPDATE: "BOOLEAN", delta.ROW_ID: "VARCHAR"}


@system_function("SYSTEM$STREAM_HAS_DATA", effective="BOOLEAN")
def stream_has_data(ctx: Context, name: str) -> bool:
    """Whether a stream may have something to show; a result of FALSE keeps it from becoming stale.

    Source: https://docs.snowflake.com/en/sql-reference/functions/system_stream_has_data
    """
    stream = need_stream(ctx, name)
    append_only, duck = stream.props.mode == "APPEND_ONLY", ctx.session.duck
    ctx.session.refresh()
    sources = {s.id: s for s in readable_sources(ctx, stream)}
    versions = versions_of(duck)
    for tracked, after, initial, _ in offsets_of(duck, stream.props.id):
        sql = delta.has_data_sql(sources[tracked], after, versions[tracked], append_only=append_only)
        if initial:
            sql = f"SELECT 1 FROM ({delta.rows_at(sources[tracked], str(after))}) UNION ALL {sql}"
        if duck.execute(f"SELECT 1 FROM ({sql}) LIMIT 1").fetchone():
            return True
    keep_fresh(ctx, stream)
    return False


@system_function("SYSTEM$STREAM_GET_TABLE_TIMESTAMP")
def stream_timestamp(ctx: Context, name: str) -> str:
    """The time of a stream's offset in nanoseconds since 1970.

    Source: https://docs.snowflake.com/en/sql-reference/functions/system_stream_get_table_timestamp
    """
    time: datetime | None = offset_time(ctx.session.duck, need_stream(ctx, name).props.id)
    return str(int(time.timestamp() * 1_000_000) * 1000) if time else "0"
