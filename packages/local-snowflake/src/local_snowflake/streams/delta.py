"""What a stream shows: SQL over a tracked table's current and dead images."""

from __future__ import annotations

from local_snowflake.sql.names import quote
from local_snowflake.streams.layout import (
    BORN,
    DIED,
    NEW,
    ROW,
    initial_version,
    lower_bound,
    read_variable,
    upper_bound,
)
from local_snowflake.streams.tracking import Tracked

ACTION, ISUPDATE, ROW_ID = "METADATA$ACTION", "METADATA$ISUPDATE", "METADATA$ROW_ID"
METADATA = (ACTION, ISUPDATE, ROW_ID)
_ROW, _BORN, _NEW, _DIED = (quote(c) for c in (ROW, BORN, NEW, DIED))


def stream_sql(target: Tracked, stream: int, *, append_only: bool, initial_rows: bool) -> str:
    """DuckDB's SQL of a stream's rows; the window is read from the session's DuckDB variables.

    Args:
        target: the tracked table.
        stream: the stream's id.
        append_only: whether it shows inserted rows only.
        initial_rows: whether it shows the rows at its start first.

    Returns:
        A query whose columns are the table's and the three METADATA$ columns.
    """
    after = read_variable(lower_bound(stream, target.id))
    upto = read_variable(upper_bound(stream, target.id))
    sql = window_sql(target, after, upto, append_only=append_only)
    if initial_rows:
        start = read_variable(initial_version(stream, target.id))
        sql += f" UNION ALL {_shown(target)} FROM ({rows_at(target, start)}) AS i"
    return sql


def window_sql(target: Tracked, after: str, upto: str, *, append_only: bool) -> str:
    """DuckDB's SQL of a table's changes behind one version up to another, with the three METADATA$ columns."""
    if append_only:
        return f"{_shown(target)} FROM ({appended_images(target, after, upto)}) AS a"
    return _net(target, after, upto)


def rows_at(target: Tracked, version: str) -> str:
    """DuckDB's SQL of a table's rows with their ids as they were at a version."""
    return (
        f"{_images(target)} FROM {target.physical} WHERE {_BORN} <= {version} UNION ALL "
        f"{_images(target)} FROM {target.history} WHERE {_BORN} <= {version} AND {_DIED} > {version}"
    )


def has_data_sql(target: Tracked, after: int, upto: int, *, append_only: bool) -> str:
    """DuckDB's SQL that gives a row if a window may have something to show."""
    born = f"{_BORN} > {after} AND {_BORN} <= {upto}"
    conditions: tuple[str, ...]
    if append_only:
        conditions = (f"{target.physical} WHERE {born} AND {_NEW}", f"{target.history} WHERE {born} AND {_NEW}")
    else:
        conditions = (
            f"{target.physical} WHERE {born}",
            f"{target.history} WHERE {born} AND {_DIED} > {upto}",
            f"{target.history} WHERE {_BORN} <= {after} AND {_DIED} > {after} AND {_DIED} <= {upto}",
        )
    return " UNION ALL ".join(f"(SELECT 1 FROM {c} LIMIT 1)" for c in conditions)


def row_id(row: str) -> str:
    """DuckDB's SQL of METADATA$ROW_ID: 40 hexadecimal digits, the same for every stream that shows the row."""
    return f"sha1('row ' || {row})"


def _shown(target: Tracked, action: str = "'INSERT'", isupdate: str = "FALSE", prefix: str = "") -> str:
    return (
        f"SELECT {target.listed(prefix)}, {action} AS {quote(ACTION)}, {isupdate} AS {quote(ISUPDATE)}, "
        f"{row_id(prefix + _ROW)} AS {quote(ROW_ID)}"
    )


def appended_images(target: Tracked, after: str, upto: str) -> str:
    """Every row that was inserted in the window, as it was inserted, whatever became of it."""
    born = f"{_BORN} > {after} AND {_BORN} <= {upto} AND {_NEW}"
    shown = _images(target)
    return f"{shown} FROM {target.physical} WHERE {born} UNION ALL {shown} FROM {target.history} WHERE {born}"


def last_images(target: Tracked, after: str, upto: str) -> str:
    """The images that were born in the window and live at its end: at most one of a row."""
    born = f"{_BORN} > {after} AND {_BORN} <= {upto}"
    return (
        f"{_images(target)} FROM {target.physical} WHERE {born} UNION ALL "
        f"{_images(target)} FROM {target.history} WHERE {born} AND {_DIED} > {upto}"
    )


def first_images(target: Tracked, after: str, upto: str) -> str:
    """The images that were born before the window and died in it: at most one of a row."""
    died = f"{_BORN} <= {after} AND {_DIED} > {after} AND {_DIED} <= {upto}"
    return f"{_images(target)} FROM {target.history} WHERE {died}"


def _images(target: Tracked) -> str:
    return f"SELECT {target.listed()}, {_ROW}"


def _net(target: Tracked, after: str, upto: str) -> str:
    """The difference between the rows at the end of the window and those at its start.

    A row with a last image only was inserted, one with a first image only deleted; with both it was updated.
    """
    return _difference(target, first_images(target, after, upto), last_images(target, after, upto))


def _difference(target: Tracked, first: str, last: str) -> str:
    same = f"({target.listed('f.')}) IS NOT DISTINCT FROM ({target.listed('l.')})"
    if len(target.columns) == 1:
        same = f"{target.listed('f.')} IS NOT DISTINCT FROM {target.listed('l.')}"
    joined = f"f.{_ROW} = l.{_ROW} WHERE f.{_ROW} IS NULL OR l.{_ROW} IS NULL OR NOT ({same})"
    new = _shown(target, "'INSERT'", f"f.{_ROW} IS NOT NULL", "l.")
    old = _shown(target, "'DELETE'", f"l.{_ROW} IS NOT NULL", "f.")
    return (
        f"{new} FROM ({last}) AS l LEFT JOIN ({first}) AS f ON {joined} UNION ALL "
        f"{old} FROM ({first}) AS f LEFT JOIN ({last}) AS l ON {joined}"
    )
