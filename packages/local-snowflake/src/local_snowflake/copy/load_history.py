"""Which files were loaded into which table, and the errors in them: stored with the data, in the same transaction.

Source: https://docs.snowflake.com/en/user-guide/data-load-considerations-load#load-metadata
"""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import duckdb
import pyarrow as pa
from sqlglot import exp

from local_snowflake.catalog.objects import TABLE, Table
from local_snowflake.copy.rejects import COLUMNS as REJECT_COLUMNS
from local_snowflake.copy.rejects import Reject, as_table
from local_snowflake.errors import SnowflakeError, does_not_exist
from local_snowflake.execution import registry
from local_snowflake.execution.context import Context
from local_snowflake.execution.registry import table_function
from local_snowflake.sql.names import META_SCHEMA, literal, quote, split_parts
from local_snowflake.stages.locations import table_id

HISTORY = f"{quote(META_SCHEMA)}.load_history"
ERRORS = f"{quote(META_SCHEMA)}.load_errors"
_RETENTION = "INTERVAL 64 DAY"
_DONE = "('LOADED', 'PARTIALLY_LOADED')"
_COLUMNS: dict[str, pa.DataType] = {
    "table_id": pa.string(),
    "database_name": pa.string(),
    "schema_name": pa.string(),
    "table_name": pa.string(),
    "file_key": pa.string(),
    "etag": pa.string(),
    "file_name": pa.string(),
    "stage_location": pa.string(),
    "file_size": pa.int64(),
    "query_id": pa.string(),
    "session_id": pa.int64(),
    "last_load_time": pa.timestamp("us", "UTC"),
    "status": pa.string(),
    "row_count": pa.int64(),
    "row_parsed": pa.int64(),
    "error_count": pa.int64(),
    "error_limit": pa.int64(),
    "first_error_message": pa.string(),
    "first_error_line_number": pa.int64(),
    "first_error_character_position": pa.int64(),
    "first_error_column_name": pa.string(),
}
_SQL_TYPES = {pa.string(): "VARCHAR", pa.int64(): "BIGINT", pa.timestamp("us", "UTC"): "TIMESTAMPTZ"}


def prepare(duck: duckdb.DuckDBPyConnection) -> None:
    """Create the history's tables, and delete what is older than the 64 days that Snowflake keeps."""
    columns = ", ".join(f"{name} {_SQL_TYPES[kind]}" for name, kind in _COLUMNS.items())
    keys = "table_id VARCHAR, query_id VARCHAR, noted_at TIMESTAMPTZ"
    errors = ", ".join(f"{name.lower()} {_SQL_TYPES[kind]}" for name, kind in REJECT_COLUMNS.items())
    duck.execute(f"CREATE TABLE IF NOT EXISTS {HISTORY} ({columns})")
    duck.execute(f"CREATE TABLE IF NOT EXISTS {ERRORS} ({keys}, {errors})")
    duck.execute(f"DELETE FROM {HISTORY} WHERE last_load_time < now() - {_RETENTION}")
    duck.execute(f"DELETE FROM {ERRORS} WHERE noted_at < now() - {_RETENTION}")


def loaded(ctx: Context, table: Table) -> set[tuple[str, str]]:
    """The files, by key and digest, that a table has."""
    sql = f"SELECT file_key, etag FROM {HISTORY} WHERE table_id = ? AND status IN {_DONE}"
    return {(str(k), str(e)) for k, e in ctx.query(sql, [table_id(table)])}


def forget(ctx: Context, table: Table) -> None:
    """Forget what was loaded into a table, as TRUNCATE does; inside a writing closure."""
    ctx.query(f"DELETE FROM {HISTORY} WHERE table_id = ?", [table_id(table)])


registry.ON_TRUNCATE.append(forget)


def as_arrow(entries: list[dict[str, Any]]) -> pa.Table:
    """Entries in the order of the history's columns."""
    return pa.table({name: pa.array([e.get(name) for e in entries], kind) for name, kind in _COLUMNS.items()})


def errors_as_arrow(ctx: Context, table: Table, rejects: list[Reject]) -> pa.Table:
    """Errors in the order of the errors' columns."""
    errors = as_table(rejects)
    now = pa.array([datetime.now(UTC)] * len(rejects), pa.timestamp("us", "UTC"))
    keys = {"table_id": table_id(table), "query_id": ctx.query_id}
    first = [pa.array([v] * len(rejects), pa.string()) for v in keys.values()]
    return pa.Table.from_arrays([*first, now, *errors.columns], names=[*keys, "noted_at", *errors.column_names])


def errors_of(ctx: Context, table: Table, job: str) -> pa.Table:
    """The errors of one COPY into a table, by its query id or ``_last`` in the session, as VALIDATE returns them.

    Raises:
        SnowflakeError: if the session has loaded nothing into the table, or there was no such COPY.
    """
    key = table_id(table)
    if job.lower() == "_last":
        sql = (
            f"SELECT query_id FROM {HISTORY} WHERE table_id = ? AND session_id = ? ORDER BY last_load_time DESC LIMIT 1"
        )
        last = ctx.query(sql, [key, ctx.session.id])
        if not last:
            raise SnowflakeError(709, "02000", f"This session has not loaded data into {table.name.fqn}.")
        job = str(last[0][0])
    elif not ctx.query(f"SELECT 1 FROM {HISTORY} WHERE table_id = ? AND query_id = ? LIMIT 1", [key, job]):
        raise SnowflakeError(709, "02000", f"Statement {job} not found: it loaded nothing into {table.name.fqn}.")
    columns = ", ".join(f'{name.lower()} AS "{name}"' for name in REJECT_COLUMNS)
    sql = (
        f"SELECT {columns} FROM {ERRORS} WHERE table_id = '{key}' AND query_id = ? ORDER BY file, row_number, character"
    )
    return ctx.session.duck.execute(sql, [job]).to_arrow_table()


# -- what queries see of it --------------------------------------------------------------------------------------------


def keep_full_name(_: Context, tree: exp.Expression) -> exp.Expression:
    """``VALIDATE(db.schema.table, …)`` -> ``VALIDATE('db.schema.table', …)``: a table's name is not a column."""
    for call in tree.find_all(exp.Anonymous):
        if str(call.this).upper() == "VALIDATE" and call.expressions:
            first = call.expressions[0]
            if isinstance(first, exp.Column | exp.Dot):
                first.replace(exp.Literal.string(first.sql(dialect="snowflake")))
    return tree


@table_function("VALIDATE")
def validate(ctx: Context, table: str, *, job_id: str) -> pa.Table:
    """VALIDATE(table, JOB_ID => 'query id' | '_last'): https://docs.snowflake.com/en/sql-reference/functions/validate."""
    return errors_of(ctx, _table(ctx, table), job_id)


def _table(ctx: Context, text: str) -> Table:
    name = ctx.resolve(split_parts(text))
    table = ctx.relation(name)
    if not TABLE.describes(table):
        raise does_not_exist("Table", name.fqn)
    return table


@table_function("COPY_HISTORY")
def copy_history(ctx: Context, *, table_name: str, start_time: str, end_time: str | None = None) -> pa.Table:
    """COPY_HISTORY(TABLE_NAME => …, START_TIME => …): the files of the last 14 days.

    Source: https://docs.snowflake.com/en/sql-reference/functions/copy_history
    """
    table = _table(ctx, table_name)
    since = max(_moment(ctx, start_time), datetime.now(UTC) - timedelta(days=14))
    until = _moment(ctx, end_time) if end_time else datetime.now(UTC)
    sql = f"""SELECT file_name AS FILE_NAME, stage_location AS STAGE_LOCATION, last_load_time AS LAST_LOAD_TIME,
        row_count AS ROW_COUNT, row_parsed AS ROW_PARSED, file_size AS FILE_SIZE,
        first_error_message AS FIRST_ERROR_MESSAGE, first_error_line_number AS FIRST_ERROR_LINE_NUMBER,
        first_error_character_position AS FIRST_ERROR_CHARACTER_POS,
        first_error_column_name AS FIRST_ERROR_COLUMN_NAME, error_count AS ERROR_COUNT, error_limit AS ERROR_LIMIT,
        CASE status WHEN 'LOADED' THEN 'Loaded' WHEN 'LOAD_FAILED' THEN 'Load failed' ELSE 'Partially loaded' END
        AS STATUS, database_name AS TABLE_CATALOG_NAME, schema_name AS TABLE_SCHEMA_NAME, table_name AS TABLE_NAME
        FROM {HISTORY} WHERE table_id = ? AND last_load_time BETWEEN ? AND ? ORDER BY last_load_time"""
    relation = ctx.session.duck.execute(sql, [table_id(table), since, until])
    return relation.to_arrow_table()


def _moment(ctx: Context, text: str) -> datetime:
    """The time of an argument, which is a literal or an expression."""
    written = text if re.search(r"[A-Za-z]\w*\s*\(", text) else f"{literal(text)}::TIMESTAMP_LTZ"
    value = ctx.execute(f"SELECT {written} AS T").table.column(0)[0].as_py()
    return value if value.tzinfo else value.replace(tzinfo=UTC)


@table_function("INFORMATION_SCHEMA.LOAD_HISTORY")
def load_history_view(ctx: Context, database: str) -> pa.Table:
    """INFORMATION_SCHEMA.LOAD_HISTORY: https://docs.snowflake.com/en/sql-reference/info-schema/load_history."""
    sql = f"""SELECT schema_name AS SCHEMA_NAME, file_name AS FILE_NAME, table_name AS TABLE_NAME,
        last_load_time AS LAST_LOAD_TIME, status AS STATUS, row_count AS ROW_COUNT, row_parsed AS ROW_PARSED,
        first_error_message AS FIRST_ERROR_MESSAGE, first_error_line_number AS FIRST_ERROR_LINE_NUMBER,
        first_error_character_position AS FIRST_ERROR_CHARACTER_POSITION,
        first_error_column_name AS FIRST_ERROR_COL_NAME, error_count AS ERROR_COUNT, error_limit AS ERROR_LIMIT
        FROM {HISTORY} WHERE database_name = ? ORDER BY last_load_time"""
    return ctx.session.duck.execute(sql, [database]).to_arrow_table()
