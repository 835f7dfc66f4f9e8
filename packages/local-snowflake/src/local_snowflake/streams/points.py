"""Where a stream begins: now, at or before a time or a statement, or where another stream stands.

Source: https://docs.snowflake.com/en/sql-reference/constructs/at-before
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import duckdb

from local_snowflake.catalog.objects import STREAM, Stream
from local_snowflake.errors import compilation_error
from local_snowflake.execution.context import Context
from local_snowflake.sql.names import split_parts
from local_snowflake.sql.queries import compile_query
from local_snowflake.sql.statement import Reader
from local_snowflake.streams.freshness import not_tracked_then
from local_snowflake.streams.layout import VERSIONS
from local_snowflake.streams.tracking import Tracked, offsets_of, versions_of

_KINDS = ("TIMESTAMP", "OFFSET", "STATEMENT", "STREAM")


@dataclass(frozen=True)
class Point:
    """A point in a table's history.

    Attributes:
        kind: TIMESTAMP, STATEMENT or STREAM.
        value: the time, the statement's id, or the stream's id.
        before: whether what happened at the point itself is left out.
    """

    kind: str
    value: Any
    before: bool = False


def read_point(ctx: Context, reader: Reader) -> Point | None:
    """Read AT | BEFORE (TIMESTAMP | OFFSET | STATEMENT | STREAM => …) if it comes next."""
    word = reader.accept_any("AT", "BEFORE")
    if word is None:
        return None
    text = reader.parenthesised()
    match = re.match(r"\s*(\w+)\s*=>\s*(.+?)\s*\Z", text, re.S)
    if not match or match[1].upper() not in _KINDS:
        raise compilation_error(f"Invalid {word} clause ({text}): it takes one of {', '.join(_KINDS)} => value.")
    return make_point(ctx, match[1].upper(), match[2], before=word == "BEFORE")


def make_point(ctx: Context, kind: str, expression: str, *, before: bool) -> Point:
    """The point that ``kind => expression`` means: TIMESTAMP, OFFSET, STATEMENT or STREAM and Snowflake's SQL."""
    if kind == "TIMESTAMP":
        return Point(kind, _evaluate(ctx, f"({expression})::TIMESTAMP_LTZ"), before)
    if kind == "OFFSET":
        value = _evaluate(ctx, expression)
        try:
            return Point("TIMESTAMP", datetime.now(UTC) + timedelta(seconds=float(value)), before)
        except (TypeError, ValueError, OverflowError):
            raise compilation_error(f"invalid value [{value}] for OFFSET: a number of seconds", 1008, "22023") from None
    value = str(_evaluate(ctx, expression))
    return Point(kind, need_stream(ctx, value).props.id if kind == "STREAM" else value, before)


def _evaluate(ctx: Context, expression: str) -> Any:
    sql = compile_query(ctx, ctx.compiler.parse(ctx, f"SELECT {expression}"))
    return ctx.session.read(lambda: ctx.query(sql))[0][0]


def need_stream(ctx: Context, name: str) -> Stream:
    """The stream of a dotted name."""
    return ctx.catalog.need(STREAM, ctx.resolve(split_parts(name)))


def version_at(ctx: Context, duck: duckdb.DuckDBPyConnection, target: Tracked, point: Point | None) -> int:
    """The version of a tracked table at a point, as the running change sees it; the current one without a point.

    Raises:
        SnowflakeError: 000707, if the table's changes are not kept as far back.
    """
    if point is None:
        return versions_of(duck)[target.id]
    if point.kind == "STREAM":
        offsets = {tracked: version for tracked, version, *_ in offsets_of(duck, point.value)}
        if target.id not in offsets:
            raise compilation_error(f"The stream in AT (STREAM => …) is not a stream on '{target.name.fqn}'.")
        return offsets[target.id]
    if point.kind == "STATEMENT":
        version = _at_statement(ctx, duck, target, point)
    else:
        version = _at_time(duck, target, point.value, before=point.before)
    if version is None:
        raise not_tracked_then(target.name)
    return version


def _at_time(duck: duckdb.DuckDBPyConnection, target: Tracked, time: datetime, *, before: bool) -> int | None:
    sql = f"SELECT max(version) FROM {VERSIONS} WHERE tracked = ? AND made {'<' if before else '<='} ?"
    ((version,),) = duck.execute(sql, [target.id, time]).fetchall()
    return version


def _at_statement(ctx: Context, duck: duckdb.DuckDBPyConnection, target: Tracked, point: Point) -> int | None:
    sql = f"SELECT min(version), max(version) FROM {VERSIONS} WHERE tracked = ? AND query_id = ?"
    ((first, last),) = duck.execute(sql, [target.id, point.value]).fetchall()
    if last is not None:
        return first - 1 if point.before else last
    record = ctx.services.history.find(point.value)
    if record is None:
        raise compilation_error(f"Statement {point.value} not found", 709, "02000")
    return _at_time(duck, target, record.started, before=point.before)
