"""What a stream shows: SQL over a tracked table's current and archived row versions."""

from local_snowflake.sql.names import quote
from local_snowflake.sql.types import minutes_sql
from local_snowflake.streams.layout import (
    INSERTED,
    ROW,
    VALID_FROM,
    VALID_TO,
    initial_version,
    lower_bound,
    read_variable,
    upper_bound,
)
from local_snowflake.streams.tracking import Tracked

ACTION, ISUPDATE, ROW_ID = "METADATA$ACTION", "METADATA$ISUPDATE", "METADATA$ROW_ID"
_ROW, _VALID_FROM, _INSERTED, _VALID_TO = (quote(c) for c in (ROW, VALID_FROM, INSERTED, VALID_TO))


def stream_sql(target: Tracked, stream: int, *, append_only: bool, initial_rows: bool) -> str:
    """DuckDB's SQL of a stream's rows, with the table's columns and the three METADATA$ columns.

    The offset range is read from the session's DuckDB variables.
    """
    after = read_variable(lower_bound(stream, target.id))
    upto = read_variable(upper_bound(stream, target.id))
    sql = changes_sql(target, after, upto, append_only=append_only)
    if initial_rows:
        start = read_variable(initial_version(stream, target.id))
        sql += f" UNION ALL {_shown(target)} FROM ({rows_at(target, start)}) AS i"
    return sql


def changes_sql(target: Tracked, after: str, upto: str, *, append_only: bool) -> str:
    """DuckDB's SQL of a table's changes behind one version up to another, with the three METADATA$ columns."""
    if append_only:
        return f"{_shown(target)} FROM ({inserted_rows(target, after, upto)}) AS a"
    # a row with a latest version only was inserted, one with a replaced version only deleted; with both it was updated
    return _difference(target, replaced_versions(target, after, upto), latest_versions(target, after, upto))


def rows_at(target: Tracked, version: str) -> str:
    """DuckDB's SQL of a table's rows with their ids as they were at a version."""
    return (
        f"{_version_columns(target)} FROM {target.physical} WHERE {_VALID_FROM} <= {version} UNION ALL "
        f"{_version_columns(target)} FROM {target.history} WHERE {_VALID_FROM} <= {version} AND {_VALID_TO} > {version}"
    )


def has_data_sql(target: Tracked, after: int, upto: int, *, append_only: bool) -> str:
    """DuckDB's SQL that gives a row if an offset range may have something to show."""
    bounds = target, str(after), str(upto)
    shown = f"{latest_versions(*bounds)} UNION ALL {replaced_versions(*bounds)}"
    return f"SELECT 1 FROM ({inserted_rows(*bounds) if append_only else shown})"


def _shown(target: Tracked, action: str = "'INSERT'", isupdate: str = "FALSE", prefix: str = "") -> str:
    # a row has the same id, 40 hexadecimal digits, in every stream that shows it
    columns = f"{action} AS {quote(ACTION)}, {isupdate} AS {quote(ISUPDATE)}, sha1('row ' || {prefix}{_ROW})"
    return f"SELECT {target.listed(prefix)}, {columns} AS {quote(ROW_ID)}"


def inserted_rows(target: Tracked, after: str, upto: str) -> str:
    """Every row that was inserted in the range, as it was inserted, whatever became of it."""
    made = f"{_VALID_FROM} > {after} AND {_VALID_FROM} <= {upto} AND {_INSERTED}"
    shown = _version_columns(target)
    return f"{shown} FROM {target.physical} WHERE {made} UNION ALL {shown} FROM {target.history} WHERE {made}"


def latest_versions(target: Tracked, after: str, upto: str) -> str:
    """The row versions that were made in the range and are valid at its end: at most one of a row."""
    made = f"{_VALID_FROM} > {after} AND {_VALID_FROM} <= {upto}"
    return (
        f"{_version_columns(target)} FROM {target.physical} WHERE {made} UNION ALL "
        f"{_version_columns(target)} FROM {target.history} WHERE {made} AND {_VALID_TO} > {upto}"
    )


def replaced_versions(target: Tracked, after: str, upto: str) -> str:
    """The row versions of before the range that were replaced or deleted in it: at most one of a row."""
    replaced = f"{_VALID_FROM} <= {after} AND {_VALID_TO} > {after} AND {_VALID_TO} <= {upto}"
    return f"{_version_columns(target)} FROM {target.history} WHERE {replaced}"


def _version_columns(target: Tracked) -> str:
    return f"SELECT {target.listed()}, {_ROW}"


def _difference(target: Tracked, first: str, last: str) -> str:
    """The difference between rows at the end of a range and those at its start."""
    same = f"({target.listed('f.')}) IS NOT DISTINCT FROM ({target.listed('l.')})"
    # values of one moment are equal; one of another offset is another value
    for column in map(quote, target.zoned):
        same += f" AND {minutes_sql(f'f.{column}')} IS NOT DISTINCT FROM {minutes_sql(f'l.{column}')}"
    joined = f"f.{_ROW} = l.{_ROW} WHERE f.{_ROW} IS NULL OR l.{_ROW} IS NULL OR NOT ({same})"
    new = _shown(target, "'INSERT'", f"f.{_ROW} IS NOT NULL", "l.")
    old = _shown(target, "'DELETE'", f"l.{_ROW} IS NOT NULL", "f.")
    return (
        f"{new} FROM ({last}) AS l LEFT JOIN ({first}) AS f ON {joined} UNION ALL "
        f"{old} FROM ({first}) AS f LEFT JOIN ({last}) AS l ON {joined}"
    )
