"""Whether a stream can still be read, and until when.

Source: https://docs.snowflake.com/en/user-guide/streams-intro#data-retention-period-and-staleness
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import duckdb

from local_snowflake.catalog.objects import TABLE, VIEW, Stream, Table, View
from local_snowflake.errors import SnowflakeError, compilation_error
from local_snowflake.execution.context import Context
from local_snowflake.sql.names import Name, split_parts
from local_snowflake.streams.layout import OFFSETS, VERSIONS
from local_snowflake.streams.tracking import Tracked, by_id, offsets_of

RETENTION_DAYS = 1
_EXTENSION_DAYS = 14


@dataclass(frozen=True)
class Freshness:
    """A stream's state.

    Attributes:
        sources: the tracked tables it reads; None stands for one that was dropped or replaced.
        stale_after: when it becomes stale, or became so.
        view_gone: whether it is a stream on a view that was dropped or replaced.
    """

    sources: tuple[Tracked | None, ...]
    stale_after: datetime
    view_gone: bool

    @property
    def gone(self) -> bool:
        """Whether a table or the view that it reads was dropped or replaced."""
        return self.view_gone or None in self.sources

    @property
    def stale(self) -> bool:
        """Whether its changes can no longer be read."""
        return self.gone or datetime.now(UTC) > self.stale_after


def freshness(ctx: Context, stream: Stream, duck: duckdb.DuckDBPyConnection) -> Freshness:
    """The state of a stream, whose offsets are read with ``duck``."""
    offsets = offsets_of(duck, stream.props.id)
    sources = tuple(by_id(ctx, tracked) for tracked, *_ in offsets)
    days = min((extended_days(ctx.services.catalog.need(TABLE, s.name)) for s in sources if s), default=0)
    refreshed = min((r for *_, r in offsets), default=stream.created_on)
    view_gone = stream.props.source_type == "View" and source_view(ctx, stream) is None
    return Freshness(sources, refreshed + timedelta(days=days), view_gone)


def extended_days(table: Table) -> int:
    """For how long after its last consumption a stream keeps a table's history."""
    extension = table.props.max_data_extension_time_in_days
    return max(retention_days(table), _EXTENSION_DAYS if extension is None else extension)


def retention_days(table: Table) -> int:
    """For how long a table's history is kept in any case."""
    days = table.props.data_retention_time_in_days
    return RETENTION_DAYS if days is None else days


def source_view(ctx: Context, stream: Stream) -> View | None:
    """The view that a stream is on, under its present name; None for a stream on a table, or if it is gone."""
    number = stream.props.change_source
    views = ctx.services.catalog.all(VIEW) if number else []
    return next((view for view in views if view.props.change_source == number), None)


def readable_sources(ctx: Context, stream: Stream) -> list[Tracked]:
    """The tracked tables of a stream that is not stale.

    Raises:
        SnowflakeError: 091901, if it is; 000707, if its table's changes were not tracked all the time.
    """
    state = freshness(ctx, stream, ctx.session.duck)
    if state.gone:
        table = ctx.catalog.get(TABLE, Name(*split_parts(stream.props.table_name)))
        if table and table.props.change_tracking is False:
            raise not_tracked_then(table.name)
        text = f"Base table '{stream.props.table_name}' dropped, cannot read from stream '{stream.name.name}'."
        raise compilation_error(text, 91901, "02000")
    if state.stale:
        text = f"Stream '{stream.name.name}' is stale since {state.stale_after:%Y-%m-%d %H:%M:%S} UTC: its offset is "
        text += "outside the data retention period of its source. Recreate it with CREATE OR REPLACE STREAM."
        raise compilation_error(text, 91901, "02000")
    return [source for source in state.sources if source]


def not_tracked_then(table: Name) -> SnowflakeError:
    """The error for changes that were not tracked, or are not kept any more."""
    text = "Change tracking is not enabled or has been missing for the time range requested on table"
    return compilation_error(f"{text} '{table.name}'.", 707, "02000")


def keep_fresh(ctx: Context, stream: Stream) -> None:
    """An empty stream that was asked whether it has data is as fresh as one that was consumed."""
    stale = "stream = ? AND refreshed < now() - INTERVAL 1 HOUR"
    with ctx.services.storage.cursor() as duck:
        duck.execute(f"UPDATE {OFFSETS} SET refreshed = now() WHERE {stale}", [stream.props.id])


def offset_time(duck: duckdb.DuckDBPyConnection, stream: int) -> datetime | None:
    """When the version at a stream's offset was made."""
    joined = f"{OFFSETS} o JOIN {VERSIONS} v USING (tracked)"
    sql = f"SELECT max(v.made) FROM {joined} WHERE o.stream = ? AND v.version <= o.version"
    ((time,),) = duck.execute(sql, [stream]).fetchall()
    return time
