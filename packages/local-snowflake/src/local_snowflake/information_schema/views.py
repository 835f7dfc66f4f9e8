"""INFORMATION_SCHEMA's views, and the query history.

Source: https://docs.snowflake.com/en/sql-reference/info-schema, and the page of each view below it
"""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa

from local_snowflake.catalog.objects import (
    DATABASE,
    FILE_FORMAT,
    FUNCTION,
    PROCEDURE,
    SCHEMA,
    SEQUENCE,
    STAGE,
    TABLE,
    VIEW,
    Kind,
)
from local_snowflake.execution.context import Context
from local_snowflake.execution.objects import find_all, tabulate
from local_snowflake.execution.registry import table_function
from local_snowflake.execution.results import TIME, record_table
from local_snowflake.sql.types import parse_type
from local_snowflake.statements.keys import constraints
from local_snowflake.statements.sequences import next_value
from local_snowflake.statements.show import bytes_of, row_count, shown_key, shown_retention

# the columns of a view in their order: what each shows of an item
_Columns = dict[str, Callable[[Any], Any]]
_COUNTS = (
    *("ORDINAL_POSITION", "CHARACTER_MAXIMUM_LENGTH", "NUMERIC_PRECISION", "NUMERIC_SCALE", "DATETIME_PRECISION"),
    *("CHARACTER_OCTET_LENGTH", "NUMERIC_PRECISION_RADIX"),
    *("ROW_COUNT", "BYTES", "RETENTION_TIME", "SESSION_ID", "ERROR_CODE", "TOTAL_ELAPSED_TIME", "ROWS_PRODUCED"),
)
# the types of the columns that are not texts
_TYPES: dict[str, pa.DataType] = {
    **dict.fromkeys(_COUNTS, pa.int64()),
    **dict.fromkeys(("CREATED", "LAST_ALTERED", "START_TIME", "END_TIME"), TIME),
}
# the options of a file format that have a column of their own; what is not set shows as NULL
_FORMAT_OPTIONS = (
    *("RECORD_DELIMITER", "FIELD_DELIMITER", "SKIP_HEADER", "DATE_FORMAT", "TIME_FORMAT", "TIMESTAMP_FORMAT"),
    *("BINARY_FORMAT", "ESCAPE", "ESCAPE_UNENCLOSED_FIELD", "TRIM_SPACE", "FIELD_OPTIONALLY_ENCLOSED_BY", "NULL_IF"),
    *("COMPRESSION", "ERROR_ON_COLUMN_COUNT_MISMATCH"),
)


def _yes(flag: object) -> str:
    return "YES" if flag else "NO"


def _option(key: str) -> Callable[[Any], str | None]:
    return lambda o: str(o.props.options[key]) if key in o.props.options else None


_NAMED: _Columns = {
    "CATALOG": lambda o: o.name.database,
    "SCHEMA": lambda o: o.name.schema,
    "NAME": lambda o: o.name.name,
    "OWNER": lambda o: o.owner,
}
_TIMES: _Columns = {"CREATED": lambda o: o.created_on, "LAST_ALTERED": lambda o: o.created_on}
_COMMENT: _Columns = {"COMMENT": lambda o: o.comment or None}


def _named(prefix: str) -> _Columns:
    return {f"{prefix}_{part}": get for part, get in _NAMED.items()}


def _routine_columns(kind: str) -> _Columns:
    return {
        **_named(kind),
        f"{kind}_NAME": lambda o: o.props.name,
        f"{kind}_LANGUAGE": lambda o: o.props.language,
        f"{kind}_DEFINITION": lambda o: o.props.body,
        "ARGUMENT_SIGNATURE": lambda o: f"({', '.join(f'{a.name} {parse_type(a.type).name}' for a in o.props.args)})",
        "DATA_TYPE": lambda o: parse_type(o.props.returns).name if o.props.table_columns is None else o.props.returns,
        "IS_SECURE": lambda o: _yes(o.props.secure),
        "VOLATILITY": lambda o: o.props.volatility,
        "HANDLER": lambda o: o.props.handler,
        "RUNTIME_VERSION": lambda o: o.props.runtime_version,
        "PACKAGES": lambda o: str(list(o.props.packages)) if o.props.packages else None,
        "IMPORTS": lambda o: str(list(o.props.imports)) if o.props.imports else None,
        **_TIMES,
        **_COMMENT,
    }


_COLUMNS: dict[Kind[Any], _Columns] = {
    DATABASE: {
        "DATABASE_NAME": lambda o: o.name.name,
        "DATABASE_OWNER": lambda o: o.owner,
        "IS_TRANSIENT": lambda _: "NO",
        "COMMENT": lambda o: o.comment,
        "TYPE": lambda _: "STANDARD",
        **_TIMES,
        "RETENTION_TIME": lambda _: 1,
    },
    SCHEMA: {
        "CATALOG_NAME": lambda o: o.name.database,
        "SCHEMA_NAME": lambda o: o.name.name,
        "SCHEMA_OWNER": lambda o: o.owner,
        "IS_TRANSIENT": lambda o: _yes(o.props.transient),
        "COMMENT": lambda o: o.comment,
        **_TIMES,
    },
    VIEW: {
        **_named("TABLE"),
        "VIEW_DEFINITION": lambda o: o.props.text,
        "IS_SECURE": lambda o: _yes(o.props.secure),
        "CREATED": lambda o: o.created_on,
    },
    PROCEDURE: _routine_columns("PROCEDURE"),
    FUNCTION: _routine_columns("FUNCTION"),
    STAGE: {
        **{f"STAGE_{part}": get for part, get in _NAMED.items() if part != "OWNER"},
        "STAGE_URL": lambda _: None,
        "STAGE_REGION": lambda _: None,
        "STAGE_TYPE": lambda _: "Internal Named",
        "STAGE_OWNER": lambda o: o.owner,
        **_TIMES,
        **_COMMENT,
    },
    FILE_FORMAT: {
        **_named("FILE_FORMAT"),
        "FILE_FORMAT_TYPE": _option("TYPE"),
        **{key: _option(key) for key in _FORMAT_OPTIONS},
        **_TIMES,
        **_COMMENT,
    },
}
for _kind, _shown in _COLUMNS.items():
    _view = "SCHEMATA" if _kind == SCHEMA else f"{_kind.replace(' ', '_')}S"
    table_function(f"INFORMATION_SCHEMA.{_view}")(
        lambda ctx, database, kind=_kind, columns=_shown: tabulate(
            find_all(ctx, kind, None if kind == DATABASE else database), columns, _TYPES
        )
    )


@table_function("INFORMATION_SCHEMA.TABLES")
def _tables(ctx: Context, database: str) -> pa.Table:
    columns: _Columns = {
        **_named("TABLE"),
        "TABLE_TYPE": lambda o: "VIEW" if o.kind == VIEW else "LOCAL TEMPORARY" if o.props.temporary else "BASE TABLE",
        "IS_TRANSIENT": lambda o: _yes(o.kind == TABLE and o.props.transient),
        **_COMMENT,
        "CLUSTERING_KEY": lambda o: (shown_key(o.props) or None) if o.kind == TABLE else None,
        "AUTO_CLUSTERING_ON": lambda o: _yes(o.kind == TABLE and bool(o.props.cluster_by)),
        **dict.fromkeys(("IS_DYNAMIC", "IS_ICEBERG", "IS_HYBRID"), lambda _: "NO"),
        "IS_TEMPORARY": lambda o: _yes(o.props.temporary),
        "ROW_COUNT": lambda o: row_count(ctx, o) if o.kind == TABLE else None,
        "BYTES": lambda o: 0 if o.kind == TABLE else None,
        "RETENTION_TIME": lambda o: shown_retention(o.props) if o.kind == TABLE else None,
        **_TIMES,
    }
    return tabulate([*find_all(ctx, TABLE, database), *find_all(ctx, VIEW, database)], columns, _TYPES)


@table_function("INFORMATION_SCHEMA.COLUMNS")
def _columns(ctx: Context, database: str) -> pa.Table:
    names = (
        *("TABLE_CATALOG", "TABLE_SCHEMA", "TABLE_NAME", "COLUMN_NAME", "COLUMN_DEFAULT", "IS_NULLABLE", "DATA_TYPE"),
        *("COMMENT", "ORDINAL_POSITION", "CHARACTER_MAXIMUM_LENGTH", "CHARACTER_OCTET_LENGTH", "NUMERIC_PRECISION"),
        *("NUMERIC_SCALE", "DATETIME_PRECISION"),
        *("IS_IDENTITY", "IDENTITY_START", "IDENTITY_INCREMENT", "IDENTITY_GENERATION", "IDENTITY_CYCLE"),
        *("IDENTITY_ORDERED", "DATA_TYPE_ALIAS"),
    )
    records = []
    objects: list[Any] = [*find_all(ctx, TABLE, database), *find_all(ctx, VIEW, database)]
    for o in objects:
        for position, c in enumerate(o.props.columns, 1):
            kind = parse_type(c.type)
            sizes = (kind.precision, kind.scale) if kind.name == "NUMBER" else (None, None)
            spelled = "TEXT" if kind.name == "VARCHAR" else kind.name
            about = (c.name, c.default, _yes(c.nullable), spelled, c.comment or None, position, kind.length or None)
            start, step = map(str, c.identity) if c.identity else (None, None)
            of_identity = (start, step, *(("BY DEFAULT", "NO", "YES") if c.identity else (None, None, None)))
            precision = kind.scale if kind.name.startswith("TIME") else None
            octets = None if not kind.length else bytes_of(kind)
            records.append((*o.name, *about, octets, *sizes, precision, _yes(c.identity), *of_identity, spelled))
    return record_table([dict(zip(names, r, strict=True)) for r in records], {n: _TYPES.get(n) for n in names})


@table_function("INFORMATION_SCHEMA.TABLE_CONSTRAINTS")
def _table_constraints(ctx: Context, database: str) -> pa.Table:
    found = [
        (table, name, kind)
        for table in find_all(ctx, TABLE, database)
        for kind, name in dict.fromkeys(constraints(table))
    ]
    columns: _Columns = {
        **_of_item("CONSTRAINT"),
        "CONSTRAINT_NAME": lambda item: item[1],
        **_of_item("TABLE"),
        "TABLE_NAME": lambda item: item[0].name.name,
        "CONSTRAINT_TYPE": lambda item: item[2],
        **dict.fromkeys(("IS_DEFERRABLE", "ENFORCED"), lambda _: "NO"),
        "INITIALLY_DEFERRED": lambda _: "YES",
        "COMMENT": lambda _: None,
        "CREATED": lambda item: item[0].created_on,
        "LAST_ALTERED": lambda item: item[0].created_on,
        "RELY": lambda _: "NO",
    }
    return tabulate(found, columns, _TYPES)


def _of_item(kind: str) -> _Columns:
    return {
        f"{kind}_CATALOG": lambda item: item[0].name.database,
        f"{kind}_SCHEMA": lambda item: item[0].name.schema,
    }


@table_function("INFORMATION_SCHEMA.SEQUENCES")
def _sequences(ctx: Context, database: str) -> pa.Table:
    columns: _Columns = {
        **_named("SEQUENCE"),
        "DATA_TYPE": lambda _: "NUMBER",
        "NUMERIC_PRECISION": lambda _: 38,
        "NUMERIC_PRECISION_RADIX": lambda _: 10,
        "NUMERIC_SCALE": lambda _: 0,
        "NEXT_VALUE": lambda o: str(next_value(ctx, o)),
        "INCREMENT": lambda o: str(o.props.increment),
        "CYCLE_OPTION": lambda _: "NO",
        **_TIMES,
        "ORDERED": lambda o: _yes(o.props.ordered),
        **_COMMENT,
    }
    return tabulate(find_all(ctx, SEQUENCE, database), columns, _TYPES)


_HISTORY: _Columns = {
    "QUERY_ID": lambda r: r.query_id,
    "QUERY_TEXT": lambda r: r.text,
    "DATABASE_NAME": lambda r: r.database,
    "SCHEMA_NAME": lambda r: r.schema,
    "USER_NAME": lambda r: r.user.upper(),
    "ROLE_NAME": lambda r: r.role,
    "QUERY_TAG": lambda r: r.query_tag,
    "EXECUTION_STATUS": lambda r: r.status,
    "ERROR_MESSAGE": lambda r: r.error_message,
    "SESSION_ID": lambda r: r.session_id,
    "ERROR_CODE": lambda r: r.error_code,
    "TOTAL_ELAPSED_TIME": lambda r: int(((r.ended or datetime.now(UTC)) - r.started).total_seconds() * 1000),
    "ROWS_PRODUCED": lambda r: r.rows,
    "START_TIME": lambda r: r.started,
    "END_TIME": lambda r: r.ended,
}


@table_function("QUERY_HISTORY", "QUERY_HISTORY_BY_SESSION")
def _query_history(ctx: Context, *_: Any, result_limit: int = 100, **__: Any) -> pa.Table:
    """TABLE(INFORMATION_SCHEMA.QUERY_HISTORY([RESULT_LIMIT => n])): the newest statements since the server started."""
    return tabulate(ctx.services.history.latest(int(result_limit)), _HISTORY, _TYPES)
