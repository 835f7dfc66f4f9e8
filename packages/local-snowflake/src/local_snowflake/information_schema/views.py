"""INFORMATION_SCHEMA's views, and the query history.

Source: https://docs.snowflake.com/en/sql-reference/info-schema
"""

from datetime import UTC, datetime
from typing import Any

import pyarrow as pa

from local_snowflake.catalog.objects import (
    DATABASE,
    FILE_FORMAT,
    FUNCTION,
    PROCEDURE,
    SCHEMA,
    STAGE,
    TABLE,
    VIEW,
    Column,
    Kind,
    Object,
    Routine,
    RoutineProps,
    Table,
    View,
)
from local_snowflake.execution.context import Context
from local_snowflake.execution.objects import find_all
from local_snowflake.execution.registry import table_function
from local_snowflake.execution.results import TIME
from local_snowflake.sql.types import parse_type
from local_snowflake.statements.show import row_count, shown_retention

_TIMES = ("CREATED", "LAST_ALTERED")
_SIZES = ("ORDINAL_POSITION", "CHARACTER_MAXIMUM_LENGTH", "NUMERIC_PRECISION", "NUMERIC_SCALE", "DATETIME_PRECISION")
_COUNTS = ("ROW_COUNT", "BYTES", "RETENTION_TIME")
_OF_QUERIES = ("SESSION_ID", "ERROR_CODE", "TOTAL_ELAPSED_TIME", "ROWS_PRODUCED")
# the types of the columns that are not texts
_TYPES = dict.fromkeys((*_SIZES, *_COUNTS, *_OF_QUERIES), pa.int64())
_TYPES |= dict.fromkeys((*_TIMES, "START_TIME", "END_TIME"), TIME)
# the options of a file format that have a column of their own; what is not set shows as NULL
_FORMAT_OPTIONS = (
    *("RECORD_DELIMITER", "FIELD_DELIMITER", "SKIP_HEADER", "DATE_FORMAT", "TIME_FORMAT", "TIMESTAMP_FORMAT"),
    *("BINARY_FORMAT", "ESCAPE", "ESCAPE_UNENCLOSED_FIELD", "TRIM_SPACE", "FIELD_OPTIONALLY_ENCLOSED_BY", "NULL_IF"),
    *("COMPRESSION", "ERROR_ON_COLUMN_COUNT_MISMATCH"),
)


def _table(records: list[dict[str, Any]], *names: str) -> pa.Table:
    """Records as a table with the columns of these names; a missing value is NULL."""
    return pa.table({n: pa.array([r.get(n) for r in records], _TYPES.get(n, pa.string())) for n in names})


@table_function("INFORMATION_SCHEMA.DATABASES")
def databases(ctx: Context, database: str) -> pa.Table:
    """https://docs.snowflake.com/en/sql-reference/info-schema/databases."""
    records = [
        {"DATABASE_NAME": o.name.name, "DATABASE_OWNER": o.owner, "COMMENT": o.comment, "CREATED": o.created_on}
        | {"IS_TRANSIENT": "NO", "RETENTION_TIME": 1, "TYPE": "STANDARD", "LAST_ALTERED": o.created_on}
        for o in ctx.catalog.all(DATABASE)
    ]
    names = ("DATABASE_NAME", "DATABASE_OWNER", "IS_TRANSIENT", "COMMENT", "TYPE", *_TIMES, "RETENTION_TIME")
    return _table(records, *names)


@table_function("INFORMATION_SCHEMA.SCHEMATA")
def schemata(ctx: Context, database: str) -> pa.Table:
    """https://docs.snowflake.com/en/sql-reference/info-schema/schemata."""
    records = [
        {"CATALOG_NAME": database, "SCHEMA_NAME": o.name.name, "SCHEMA_OWNER": o.owner, "COMMENT": o.comment}
        | {"IS_TRANSIENT": _yes(o.props.transient), "CREATED": o.created_on, "LAST_ALTERED": o.created_on}
        for o in ctx.catalog.all(SCHEMA, database)
    ]
    return _table(records, "CATALOG_NAME", "SCHEMA_NAME", "SCHEMA_OWNER", "IS_TRANSIENT", "COMMENT", *_TIMES)


@table_function("INFORMATION_SCHEMA.TABLES")
def tables(ctx: Context, database: str) -> pa.Table:
    """https://docs.snowflake.com/en/sql-reference/info-schema/tables."""
    objects: list[Table | View] = [*ctx.catalog.all(TABLE, database), *ctx.catalog.all(VIEW, database)]
    records = [_table_record(ctx, o) for o in objects]
    records += [_table_record(ctx, o) for o in ctx.session.temporary.values() if o.name.database == database]
    names = ("TABLE_CATALOG", "TABLE_SCHEMA", "TABLE_NAME", "TABLE_OWNER", "TABLE_TYPE", "IS_TRANSIENT", "COMMENT")
    return _table(records, *names, "IS_TEMPORARY", *_COUNTS, *_TIMES)


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
    return _table(records, *names, "CREATED")


@table_function("INFORMATION_SCHEMA.COLUMNS")
def columns(ctx: Context, database: str) -> pa.Table:
    """https://docs.snowflake.com/en/sql-reference/info-schema/columns."""
    objects: list[Table | View] = [*ctx.catalog.all(TABLE, database), *ctx.catalog.all(VIEW, database)]
    records = [_column_record(o, i, c) for o in objects for i, c in enumerate(o.props.columns, 1)]
    names = ("TABLE_CATALOG", "TABLE_SCHEMA", "TABLE_NAME", "COLUMN_NAME", "COLUMN_DEFAULT", "IS_NULLABLE", "DATA_TYPE")
    return _table(records, *names, "COMMENT", *_SIZES)


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
        for r in ctx.services.history.latest(int(result_limit))
    ]
    names = ("QUERY_ID", "QUERY_TEXT", "DATABASE_NAME", "SCHEMA_NAME", "USER_NAME", "ROLE_NAME", "QUERY_TAG")
    return _table(records, *names, "EXECUTION_STATUS", "ERROR_MESSAGE", *_OF_QUERIES, "START_TIME", "END_TIME")


def _times(o: Object) -> dict[str, Any]:
    return {"CREATED": o.created_on, "LAST_ALTERED": o.created_on, "COMMENT": o.comment or None}


def _routine(o: Routine, kind: str) -> dict[str, Any]:
    props = o.props
    listed = ", ".join(f"{a.name} {parse_type(a.type).name}" for a in props.args)
    returns = props.returns if props.table_columns is not None else parse_type(props.returns).name
    return {
        f"{kind}_CATALOG": o.name.database,
        f"{kind}_SCHEMA": o.name.schema,
        f"{kind}_NAME": props.name,
        f"{kind}_OWNER": o.owner,
        "ARGUMENT_SIGNATURE": f"({listed})",
        "DATA_TYPE": returns,
        f"{kind}_LANGUAGE": props.language,
        f"{kind}_DEFINITION": props.body,
        "IS_SECURE": _yes(props.secure),
        "VOLATILITY": props.volatility,
        "HANDLER": props.handler,
        "RUNTIME_VERSION": props.runtime_version,
        "PACKAGES": str(list(props.packages)) if props.packages else None,
        "IMPORTS": str(list(props.imports)) if props.imports else None,
        **_times(o),
    }


def _routines(ctx: Context, database: str, kind: Kind[RoutineProps]) -> pa.Table:
    prefixed = ("CATALOG", "SCHEMA", "NAME", "OWNER", "LANGUAGE", "DEFINITION")
    more = ("ARGUMENT_SIGNATURE", "DATA_TYPE", "IS_SECURE", "VOLATILITY", "HANDLER", "RUNTIME_VERSION", "PACKAGES")
    names = (*(f"{kind}_{p}" for p in prefixed), *more, "IMPORTS")
    return _table([_routine(o, kind) for o in find_all(ctx, kind, database)], *names, *_TIMES, "COMMENT")


@table_function("INFORMATION_SCHEMA.PROCEDURES")
def procedures(ctx: Context, database: str) -> pa.Table:
    """https://docs.snowflake.com/en/sql-reference/info-schema/procedures."""
    return _routines(ctx, database, PROCEDURE)


@table_function("INFORMATION_SCHEMA.FUNCTIONS")
def functions(ctx: Context, database: str) -> pa.Table:
    """https://docs.snowflake.com/en/sql-reference/info-schema/functions."""
    return _routines(ctx, database, FUNCTION)


@table_function("INFORMATION_SCHEMA.STAGES")
def stages(ctx: Context, database: str) -> pa.Table:
    """https://docs.snowflake.com/en/sql-reference/info-schema/stages."""
    records = [
        {"STAGE_CATALOG": database, "STAGE_SCHEMA": o.name.schema, "STAGE_NAME": o.name.name, "STAGE_OWNER": o.owner}
        | {"STAGE_TYPE": "Internal Named", **_times(o)}
        for o in find_all(ctx, STAGE, database)
    ]
    names = ("STAGE_CATALOG", "STAGE_SCHEMA", "STAGE_NAME", "STAGE_URL", "STAGE_REGION", "STAGE_TYPE", "STAGE_OWNER")
    return _table(records, *names, *_TIMES, "COMMENT")


@table_function("INFORMATION_SCHEMA.FILE_FORMATS")
def file_formats(ctx: Context, database: str) -> pa.Table:
    """https://docs.snowflake.com/en/sql-reference/info-schema/file_formats."""
    records = [
        {f"FILE_FORMAT_{k}": v for k, v in zip(("CATALOG", "SCHEMA", "NAME"), o.name, strict=True)}
        | {"FILE_FORMAT_OWNER": o.owner, "FILE_FORMAT_TYPE": o.props.options.get("TYPE"), **_times(o)}
        | {k: str(v) for k, v in o.props.options.items() if k in _FORMAT_OPTIONS}
        for o in find_all(ctx, FILE_FORMAT, database)
    ]
    names = tuple(f"FILE_FORMAT_{p}" for p in ("CATALOG", "SCHEMA", "NAME", "OWNER", "TYPE"))
    return _table(records, *names, *_FORMAT_OPTIONS, *_TIMES, "COMMENT")
