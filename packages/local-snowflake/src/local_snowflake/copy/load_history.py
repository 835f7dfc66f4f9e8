"""Which files were loaded into which table, and the errors in them: stored with the data, in the same transaction.

Source: https://docs.snowflake.com/en/user-guide/data-load-considerations-load#load-metadata
"""

from datetime import UTC, datetime, timedelta

import duckdb
import pyarrow as pa
from sqlglot import exp

from local_snowflake.catalog.objects import TABLE, Table
from local_snowflake.copy.rejects import COLUMNS as REJECT_COLUMNS
from local_snowflake.errors import SnowflakeError, does_not_exist
from local_snowflake.execution import registry
from local_snowflake.execution.context import Context
from local_snowflake.execution.registry import table_function
from local_snowflake.execution.results import TIME
from local_snowflake.sql.names import META_SCHEMA, quote, split_parts
from local_snowflake.sql.queries import evaluate_time
from local_snowflake.stages.locations import table_id

HISTORY = f"{quote(META_SCHEMA)}.load_history"
ERRORS = f"{quote(META_SCHEMA)}.load_errors"
_RETENTION = "INTERVAL 64 DAY"
_DONE = "('LOADED', 'PARTIALLY_LOADED')"
COLUMNS: dict[str, pa.DataType] = {
    **dict.fromkeys(("table_id", "database_name", "schema_name", "table_name"), pa.string()),
    **dict.fromkeys(("file_key", "etag", "file_name", "stage_location"), pa.string()),
    "file_size": pa.int64(),
    "query_id": pa.string(),
    "session_id": pa.int64(),
    "last_load_time": TIME,
    "status": pa.string(),
    **dict.fromkeys(("row_count", "row_parsed", "error_count", "error_limit"), pa.int64()),
    "first_error_message": pa.string(),
    **dict.fromkeys(("first_error_line_number", "first_error_character_position"), pa.int64()),
    "first_error_column_name": pa.string(),
}
ERROR_COLUMNS = {
    **dict.fromkeys(("table_id", "query_id"), pa.string()),
    "noted_at": TIME,
    **{name.lower(): kind for name, kind in REJECT_COLUMNS.items()},
}
_SQL_TYPES = {pa.string(): "VARCHAR", pa.int64(): "BIGINT", TIME: "TIMESTAMPTZ"}


def prepare(duck: duckdb.DuckDBPyConnection) -> None:
    """Create the history's tables, and delete what is older than the 64 days that Snowflake keeps."""
    for table, columns, time in (HISTORY, COLUMNS, "last_load_time"), (ERRORS, ERROR_COLUMNS, "noted_at"):
        listed = ", ".join(f"{name} {_SQL_TYPES[kind]}" for name, kind in columns.items())
        duck.execute(f"CREATE TABLE IF NOT EXISTS {table} ({listed})")
        duck.execute(f"DELETE FROM {table} WHERE {time} < now() - {_RETENTION}")


def loaded(ctx: Context, table: Table) -> set[tuple[str, str]]:
    """The files, by key and digest, that a table has."""
    sql = f"SELECT file_key, etag FROM {HISTORY} WHERE table_id = ? AND status IN {_DONE}"
    return {(str(k), str(e)) for k, e in ctx.query(sql, [table_id(table)])}


def forget(ctx: Context, table: Table) -> None:
    """Forget what was loaded into a table, as TRUNCATE does; inside a writing closure."""
    ctx.query(f"DELETE FROM {HISTORY} WHERE table_id = ?", [table_id(table)])


registry.ON_TRUNCATE.append(forget)


def errors_of(ctx: Context, table: Table, job: str) -> pa.Table:
    """The errors of one COPY into a table, by its query id or ``_last`` in the session, as VALIDATE returns them.

    Raises:
        SnowflakeError: if the session has loaded nothing into the table, or there was no such COPY.
    """
    key = table_id(table)
    if job.lower() == "_last":
        sql = f"SELECT max_by(query_id, last_load_time) FROM {HISTORY} WHERE table_id = ? AND session_id = ?"
        ((job,),) = ctx.query(sql, [key, ctx.session.id])
        if not job:
            raise SnowflakeError(709, "02000", f"This session has not loaded data into {table.name.fqn}.")
    elif not ctx.query(f"SELECT 1 FROM {HISTORY} WHERE table_id = ? AND query_id = ? LIMIT 1", [key, job]):
        raise SnowflakeError(709, "02000", f"Statement {job} not found: it loaded nothing into {table.name.fqn}.")
    columns = ", ".join(f'{name.lower()} AS "{name}"' for name in REJECT_COLUMNS)
    sql = f"SELECT {columns} FROM {ERRORS} WHERE table_id = ? AND query_id = ? ORDER BY file, row_number, character"
    return ctx.session.duck.execute(sql, [key, job]).to_arrow_table()


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
    since = max(evaluate_time(ctx, start_time), datetime.now(UTC) - timedelta(days=14))
    until = evaluate_time(ctx, end_time) if end_time else datetime.now(UTC)
    sql = f"""SELECT file_name AS FILE_NAME, stage_location AS STAGE_LOCATION, last_load_time AS LAST_LOAD_TIME,
        row_count AS ROW_COUNT, row_parsed AS ROW_PARSED, file_size AS FILE_SIZE,
        first_error_message AS FIRST_ERROR_MESSAGE, first_error_line_number AS FIRST_ERROR_LINE_NUMBER,
        first_error_character_position AS FIRST_ERROR_CHARACTER_POS,
        first_error_column_name AS FIRST_ERROR_COLUMN_NAME, error_count AS ERROR_COUNT, error_limit AS ERROR_LIMIT,
        CASE status WHEN 'LOADED' THEN 'Loaded' WHEN 'LOAD_FAILED' THEN 'Load failed' ELSE 'Partially loaded' END
        AS STATUS, database_name AS TABLE_CATALOG_NAME, schema_name AS TABLE_SCHEMA_NAME, table_name AS TABLE_NAME
        FROM {HISTORY} WHERE table_id = ? AND last_load_time BETWEEN ? AND ? ORDER BY last_load_time"""
    return ctx.session.duck.execute(sql, [table_id(table), since, until]).to_arrow_table()


@table_function("INFORMATION_SCHEMA.LOAD_HISTORY")
def load_history_view(ctx: Context, database: str) -> pa.Table:
    """INFORMATION_SCHEMA.LOAD_HISTORY: https://docs.snowflake.com/en/sql-reference/info-schema/load_history."""
    sql = f"""SELECT schema_name AS SCHEMA_NAME, file_name AS FILE_NAME, table_name AS TABLE_NAME,
        last_load_time AS LAST_LOAD_TIME, status AS STATUS, row_count AS ROW_COUNT, row_parsed AS ROW_PARSED,
        first_error_message AS FIRST_ERROR_MESSAGE, first_error_line_number AS FIRST_ERROR_LINE_NUMBER,
        first_error_character_position AS FIRST_ERROR_CHARACTER_POSITION,
        first_error_column_name AS FIRST_ERROR_COL_NAME, error_count AS ERROR_COUNT, error_limit AS ERROR_LIMIT
        FROM {HISTORY} WHERE database_name = ? AND (? OR list_contains(?, table_id)) ORDER BY last_load_time"""
    # of tables that are gone, too, unless there may be some that the roles could not see
    seen = [table_id(table) for table in ctx.catalog.all(TABLE, database)]
    return ctx.session.duck.execute(sql, [database, not ctx.services.access.enforced, seen]).to_arrow_table()
