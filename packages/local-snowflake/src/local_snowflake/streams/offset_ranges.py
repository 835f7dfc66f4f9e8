"""Offset ranges of streams: which versions a transaction may see of each, and how an offset moves.

The first read of a stream in a transaction fixes its offset range: from the stream's offset to the start of the
transaction. DML that reads the stream moves the offset to the end of the range, in the same transaction.

Source: https://docs.snowflake.com/en/user-guide/streams-intro#stream-offset
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import duckdb

from local_snowflake.execution.context import Context
from local_snowflake.sessions.locks import Resource
from local_snowflake.sessions.session import Session
from local_snowflake.sql.names import quote
from local_snowflake.streams.layout import OFFSETS, initial_version, lower_bound, offset_variable, upper_bound
from local_snowflake.streams.tracking import offsets_of, versions_of

T = TypeVar("T")
_START = "changes.start"
_RANGE = "changes.range"


@dataclass(frozen=True)
class OffsetRange:
    """What a transaction sees of one tracked table through a stream: the versions in (after, upto].

    With ``initial`` it sees the rows as they were at ``upto`` instead.
    """

    stream: int
    tracked: int
    after: int
    upto: int
    initial: bool = False


def mark_start(session: Session) -> None:
    """Remember each tracked table's version as the transaction starts; its streams end there."""
    if _START not in session.notes:
        session.notes[_START] = versions_of(session.duck)


def bind_offset_ranges(ctx: Context) -> None:
    """Let the statement's streams be read; runs in the closure that reads, before its query."""
    session = ctx.session
    if ctx.streams and session.in_transaction:
        session.lock(*stream_locks(ctx))
        mark_start(session)
    for span in _ranges(ctx):
        _bind(session.duck, span)
    _bind_offsets(ctx)


def consuming(ctx: Context, work: Callable[[], T]) -> T:
    """Run DML inside a writing closure; the streams that it reads, which compiling it has put into ``ctx``, move on."""
    bind_offset_ranges(ctx)
    done = work()
    for span in _ranges(ctx):
        _advance(ctx.session.duck, span)
    return done


def consume_in_ddl(ctx: Context) -> None:
    """Consume the streams that a DDL statement is about to read, inside its own transaction."""
    _bind_offsets(ctx)
    for span in _ranges(ctx):
        _bind(ctx.session.duck, span)
        _advance(ctx.session.duck, span)


def stream_locks(ctx: Context) -> list[Resource]:
    """What a statement that consumes has to have alone: the streams that it reads."""
    return [Resource(f"stream {stream}", "STREAM") for stream in ctx.streams]


def _ranges(ctx: Context) -> list[OffsetRange]:
    """What the statement sees of the streams that it reads."""
    session, ranges = ctx.session, []
    for stream in ctx.streams:
        key = (_RANGE, stream)
        if not session.in_transaction:
            ranges += _current(session.duck, stream, versions_of(session.duck))
            continue
        if key not in session.notes:
            # committed offsets: the transaction's own snapshot may be older than the stream's lock
            with ctx.services.storage.cursor() as duck:
                session.notes[key] = _current(duck, stream, versions_of(duck) | session.notes[_START])
        ranges += session.notes[key]
    return ranges


def _current(duck: duckdb.DuckDBPyConnection, stream: int, versions: dict[int, int]) -> list[OffsetRange]:
    ranges = []
    for tracked, version, initial, _ in offsets_of(duck, stream):
        upto = version if initial else max(version, versions.get(tracked, version))
        ranges.append(OffsetRange(stream, tracked, version, upto, initial))
    return ranges


def _bind(duck: duckdb.DuckDBPyConnection, span: OffsetRange) -> None:
    initial = span.upto if span.initial else "NULL"
    for variable, value in (lower_bound, span.after), (upper_bound, span.upto), (initial_version, initial):
        duck.execute(f"SET VARIABLE {quote(variable(span.stream, span.tracked))} = {value}::BIGINT")


def _bind_offsets(ctx: Context) -> None:
    """Where AT (STREAM => …) reads: at the committed offset, also after the transaction's own DML has consumed it."""
    session = ctx.session
    for stream in ctx.points:
        ranges: list[OffsetRange] = session.notes.get((_RANGE, stream), []) if session.in_transaction else []
        offsets = [(w.tracked, w.after) for w in ranges] or [(t, v) for t, v, *_ in offsets_of(session.duck, stream)]
        for tracked, version in offsets:
            session.duck.execute(f"SET VARIABLE {quote(offset_variable(stream, tracked))} = {version}::BIGINT")


def _advance(duck: duckdb.DuckDBPyConnection, span: OffsetRange) -> None:
    changed = "version = greatest(version, ?), initial = FALSE, refreshed = now()"
    sql = f"UPDATE {OFFSETS} SET {changed} WHERE stream = ? AND tracked = ?"
    duck.execute(sql, [span.upto, span.stream, span.tracked])
