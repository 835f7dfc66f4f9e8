"""What tells about loads: VALIDATE, COPY_HISTORY, LOAD_HISTORY; and CREATE TABLE … USING TEMPLATE."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
from sqlglot import exp

from local_snowflake.catalog.objects import TABLE, Table
from local_snowflake.copy import load_history
from local_snowflake.errors import compilation_error, does_not_exist
from local_snowflake.execution.context import Context
from local_snowflake.execution.registry import table_function, text_rewriter, tree_rewriter
from local_snowflake.sql.names import literal, quote, split_parts
from local_snowflake.sql.statement import Reader, tokenize


@tree_rewriter
def keep_full_name(_: Context, tree: exp.Expression) -> exp.Expression:
    """``VALIDATE(db.schema.table, …)`` -> ``VALIDATE('db.schema.table', …)``: the name of a table is no column."""
    for call in tree.find_all(exp.Anonymous):
        if str(call.this).upper() == "VALIDATE" and call.expressions:
            first = call.expressions[0]
            if isinstance(first, exp.Column | exp.Dot):
                first.replace(exp.Literal.string(first.sql(dialect="snowflake")))
    return tree


@table_function("VALIDATE")
def validate(ctx: Context, table: str, *, job_id: str) -> pa.Table:
    """VALIDATE(table, JOB_ID => 'query id' | '_last'): https://docs.snowflake.com/en/sql-reference/functions/validate."""
    return load_history.errors_of(ctx, _table(ctx, table), job_id)


def _table(ctx: Context, text: str) -> Table:
    name = ctx.resolve(split_parts(text))
    found = ctx.relation(name)
    if not TABLE.describes(found):
        raise does_not_exist("Table", name.fqn)
    return found


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
        FROM {load_history.HISTORY} WHERE table_id = ? AND last_load_time BETWEEN ? AND ? ORDER BY last_load_time"""
    found = ctx.session.duck.execute(sql, [load_history.table_id(table), since, until])
    return found.to_arrow_table()


def _moment(ctx: Context, text: str) -> datetime:
    """A time that an argument gives, as a text or as an expression."""
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
        FROM {load_history.HISTORY} WHERE database_name = ? ORDER BY last_load_time"""
    return ctx.session.duck.execute(sql, [database]).to_arrow_table()


_TEMPLATE = re.compile(r"\bUSING\s+TEMPLATE\b", re.I)
_MEMBERS = ", ".join(f"'{n}', {n}" for n in ("COLUMN_NAME", "TYPE", "NULLABLE", "EXPRESSION", "ORDER_ID"))


@text_rewriter
def use_template(ctx: Context, sql: str) -> str:
    """CREATE TABLE name USING TEMPLATE (query) -> the columns that the query describes.

    Source: https://docs.snowflake.com/en/sql-reference/sql/create-table#create-table-using-template
    """
    match = _TEMPLATE.search(sql)
    if not match or not re.match(r"\s*CREATE\b", sql, re.I):
        return sql
    reader = Reader(sql, tokenize(sql))
    while reader.position < match.end():
        reader.next()
    query = re.sub(r"(?i)OBJECT_CONSTRUCT\s*\(\s*\*\s*\)", f"OBJECT_CONSTRUCT({_MEMBERS})", reader.parenthesised())
    value = ctx.execute(query).table.column(0)[0].as_py()
    described = json.loads(value) if isinstance(value, str) else value
    columns = [_lower(json.loads(c) if isinstance(c, str) else c) for c in described or []]
    if not columns:
        raise compilation_error("USING TEMPLATE: the query describes no column.", 100090, "22000")
    columns.sort(key=lambda c: int(c.get("order_id") or 0))
    return f"{sql[: match.start()]} ({', '.join(map(_definition, columns))}) {reader.rest()}"


def _lower(column: dict[str, Any]) -> dict[str, Any]:
    return {k.lower(): v for k, v in column.items()}


def _definition(column: dict[str, Any]) -> str:
    required = "" if str(column.get("nullable", True)).lower() == "true" else " NOT NULL"
    return f"{quote(str(column['column_name']))} {column['type']}{required}"
