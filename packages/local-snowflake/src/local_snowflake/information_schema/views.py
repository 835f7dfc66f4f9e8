"""INFORMATION_SCHEMA's views of databases, schemas, tables, columns and views, and the query history."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pyarrow as pa

from local_snowflake.catalog.objects import DATABASE, SCHEMA, TABLE, VIEW, Column, Table, View
from local_snowflake.execution.context import Context
from local_snowflake.execution.registry import table_function
from local_snowflake.sql.types import parse_type
from local_snowflake.statements.show import row_count, shown_retention

TIME = pa.timestamp("us", "UTC")
_NUMBER, _TEXT = pa.int64(), pa.string()


def as_table(records: list[dict[str, Any]], kinds: dict[str, pa.DataType]) -> pa.Table:
    """Records as an arrow table with the given columns; a missing value is NULL."""
    return pa.table({name: pa.array([r.get(name) for r in records], kind) for name, kind in kinds.items()})


@table_function("INFORMATION_SCHEMA.DATABASES")
def databases(ctx: Context, database: str) -> pa.Table:
    """https://docs.snowflake.com/en/sql-reference/info-schema/databases."""
    records = [
        {"DATABASE_NAME": o.name.name, "DATABASE_OWNER": o.owner, "COMMENT": o.comment, "CREATED": o.created_on}
        | {"IS_TRANSIENT": "NO", "RETENTION_TIME": 1, "TYPE": "STANDARD", "LAST_ALTERED": o.created_on}
        for o in ctx.catalog.all(DATABASE)
    ]
    text = dict.fromkeys(("DATABASE_NAME", "DATABASE_OWNER", "IS_TRANSIENT", "COMMENT", "TYPE"), _TEXT)
    return as_table(records, text | {"CREATED": TIME, "LAST_ALTERED": TIME, "RETENTION_TIME": _NUMBER})


@table_function("INFORMATION_SCHEMA.SCHEMATA")
def schemata(ctx: Context, database: str) -> pa.Table:
    """https://docs.snowflake.com/en/sql-reference/info-schema/schemata."""
    records = [
        {"CATALOG_NAME": database, "SCHEMA_NAME": o.name.name, "SCHEMA_OWNER": o.owner, "COMMENT": o.comment}
        | {"IS_TRANSIENT": _yes(o.props.transient), "CREATED": o.created_on, "LAST_ALTERED": o.created_on}
        for o in ctx.catalog.all(SCHEMA, database)
    ]
    text = dict.fromkeys(("CATALOG_NAME", "SCHEMA_NAME", "SCHEMA_OWNER", "IS_TRANSIENT", "COMMENT"), _TEXT)
    return as_table(records, text | {"CREATED": TIME, "LAST_ALTERED": TIME})


@table_function("INFORMATION_SCHEMA.TABLES")
def tables(ctx: Context, database: str) -> pa.Table:
    """https://docs.snowflake.com/en/sql-reference/info-schema/tables."""
    objects: list[Table | View] = [*ctx.catalog.all(TABLE, database), *ctx.catalog.all(VIEW, database)]
    records = [_table_record(ctx, o) for o in objects]
    records += [_table_record(ctx, o) for o in ctx.session.temporary.values() if o.name.database == database]
    names = ("TABLE_CATALOG", "TABLE_SCHEMA", "TABLE_NAME", "TABLE_OWNER", "TABLE_TYPE", "IS_TRANSIENT", "COMMENT")
    more = {"ROW_COUNT": _NUMBER, "BYTES": _NUMBER, "RETENTION_TIME": _NUMBER, "CREATED": TIME, "LAST_ALTERED": TIME}
    return as_table(records, dict.fromkeys((*names, "IS_TEMPORARY"), _TEXT) | more)


def _table_record(ctx: Context, o: Table | View) -> dict[str, Any]:
    table = o.props if TABLE.describes(o) else None
    return {
        "TABLE_CATALOG": o.name.database,
        "TABLE_SCHEMA": o.name.schema,
        "TABLE_NAME": o.name.name,
        "TABLE_OWNER": o.owner,
        "TABLE_TYPE": "VIEW" if table is None else "LOCAL TEMPORARY" if table.temporary else "BASE TABLE",
        "IS_TRANSIENT": _yes(table and table.transient),
        "IS_TEMPORARY": _yes(table and table.temporary),
        "COMMENT": o.comment or None,
        "ROW_COUNT": row_count(ctx, o) if TABLE.describes(o) else None,
        "BYTES": 0 if table else None,
        "RETENTION_TIME": shown_retention(table) if table else None,
        "CREATED": o.created_on,
        "LAST_ALTERED": o.created_on,
    }


def _yes(flag: object) -> str:
    return "YES" if flag else "NO"


@table_function("INFORMATION_SCHEMA.VIEWS")
def views(ctx: Context, database: str) -> pa.Table:
    """https://docs.snowflake.com/en/sql-reference/info-schema/views."""
    records = [
        {"TABLE_CATALOG": database, "TABLE_SCHEMA": o.name.schema, "TABLE_NAME": o.name.name, "TABLE_OWNER": o.owner}
        | {"VIEW_DEFINITION": o.props.text, "IS_SECURE": _yes(o.props.secure), "CREATED": o.created_on}
        for o in ctx.catalog.all(VIEW, database)
    ]
    names = ("TABLE_CATALOG", "TABLE_SCHEMA", "TABLE_NAME", "TABLE_OWNER", "VIEW_DEFINITION", "IS_SECURE")
    return as_table(records, dict.fromkeys(names, _TEXT) | {"CREATED": TIME})


@table_function("INFORMATION_SCHEMA.COLUMNS")
def columns(ctx: Context, database: str) -> pa.Table:
    """https://docs.snowflake.com/en/sql-reference/info-schema/columns."""
    objects: list[Table | View] = [*ctx.catalog.all(TABLE, database), *ctx.catalog.all(VIEW, database)]
    records = [_column_record(o, i, c) for o in objects for i, c in enumerate(o.props.columns, 1)]
    names = ("TABLE_CATALOG", "TABLE_SCHEMA", "TABLE_NAME", "COLUMN_NAME", "COLUMN_DEFAULT", "IS_NULLABLE", "DATA_TYPE")
    sizes = ("ORDINAL_POSITION", "CHARACTER_MAXIMUM_LENGTH", "NUMERIC_PRECISION", "NUMERIC_SCALE", "DATETIME_PRECISION")
    return as_table(records, dict.fromkeys((*names, "COMMENT"), _TEXT) | dict.fromkeys(sizes, _NUMBER))


def _column_record(o: Table | View, position: int, column: Column) -> dict[str, Any]:
    kind = parse_type(column.type)
    number, text = kind.name == "NUMBER", kind.name == "VARCHAR"
    return {
        "TABLE_CATALOG": o.name.database,
        "TABLE_SCHEMA": o.name.schema,
        "TABLE_NAME": o.name.name,
        "COLUMN_NAME": column.name,
        "COLUMN_DEFAULT": column.default,
        "IS_NULLABLE": _yes(column.nullable),
        "DATA_TYPE": "TEXT" if text else kind.name,
        "COMMENT": column.comment or None,
        "ORDINAL_POSITION": position,
        "CHARACTER_MAXIMUM_LENGTH": kind.length or None,
        "NUMERIC_PRECISION": kind.precision if number else None,
        "NUMERIC_SCALE": kind.scale if number else None,
        "DATETIME_PRECISION": kind.scale if kind.name.startswith("TIME") else None,
    }


@table_function("QUERY_HISTORY", "QUERY_HISTORY_BY_SESSION")
def query_history(ctx: Context, *_: Any, result_limit: int = 100, **__: Any) -> pa.Table:
    """TABLE(INFORMATION_SCHEMA.QUERY_HISTORY([RESULT_LIMIT => n])): the newest statements since the server started."""
    records = [
        {
            "QUERY_ID": r.query_id,
            "QUERY_TEXT": r.text,
            "DATABASE_NAME": r.database,
            "SCHEMA_NAME": r.schema,
            "SESSION_ID": r.session_id,
            "USER_NAME": r.user.upper(),
            "ROLE_NAME": r.role,
            "QUERY_TAG": r.query_tag,
            "EXECUTION_STATUS": r.status,
            "ERROR_CODE": r.error_code,
            "ERROR_MESSAGE": r.error_message,
            "START_TIME": r.started,
            "END_TIME": r.ended,
            "TOTAL_ELAPSED_TIME": int(((r.ended or datetime.now(UTC)) - r.started).total_seconds() * 1000),
            "ROWS_PRODUCED": r.rows,
        }
        for r in list(ctx.engine.history)[: -int(result_limit) - 1 : -1]
    ]
    names = ("QUERY_ID", "QUERY_TEXT", "DATABASE_NAME", "SCHEMA_NAME", "USER_NAME", "ROLE_NAME", "QUERY_TAG")
    numbers = ("SESSION_ID", "ERROR_CODE", "TOTAL_ELAPSED_TIME", "ROWS_PRODUCED")
    kinds = dict.fromkeys((*names, "EXECUTION_STATUS", "ERROR_MESSAGE"), _TEXT) | dict.fromkeys(numbers, _NUMBER)
    return as_table(records, kinds | {"START_TIME": TIME, "END_TIME": TIME})
