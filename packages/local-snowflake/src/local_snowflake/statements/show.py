"""SHOW TABLES, VIEWS, OBJECTS and COLUMNS, DESCRIBE TABLE and VIEW."""

import json
from typing import Any

import pyarrow as pa

from local_snowflake import streams
from local_snowflake.catalog.objects import STREAM, TABLE, VIEW, Column, Table, TableProps, View
from local_snowflake.errors import does_not_exist
from local_snowflake.execution.context import Context
from local_snowflake.execution.objects import find_all
from local_snowflake.execution.registry import statement
from local_snowflake.execution.results import Result, rows
from local_snowflake.execution.show_clauses import common, like_filter, printed, read_clauses, scope, select
from local_snowflake.sql.names import Name
from local_snowflake.sql.statement import Statement, skip_head
from local_snowflake.sql.types import MAX_TEXT, SfType, parse_type

_COLUMNS = (
    *("table_name", "schema_name", "column_name", "data_type", "null?", "default", "kind", "expression", "comment"),
    *("database_name", "autoincrement"),
)


# kinds of tables that are not here
_OTHER_KINDS = ("dynamic", "iceberg", "hybrid")


def row_count(ctx: Context, table: Table) -> int:
    """How many rows a table has."""
    return int(ctx.query(f"SELECT count(*) FROM {ctx.physical(table.name)}")[0][0])


@statement("SHOW", "TABLES", "TERSE TABLES")
def show_tables(ctx: Context, stmt: Statement) -> Result:
    """SHOW TABLES: https://docs.snowflake.com/en/sql-reference/sql/show-tables."""
    found = select(ctx, read_clauses(skip_head(stmt)), TABLE)
    records = [_common(o) | {"rows": row_count(ctx, o), "bytes": 0} for o in found]
    names = ("created_on", "name", "database_name", "schema_name", "kind", "comment", "cluster_by", "rows", "bytes")
    more = ("owner", "retention_time", "automatic_clustering", "change_tracking", "owner_role_type", "is_external")
    columns = dict.fromkeys((*names, *more)) | {"rows": pa.int64(), "bytes": pa.int64()}
    return rows(records, printed(stmt, columns))


@statement("SHOW", "VIEWS", "TERSE VIEWS")
def show_views(ctx: Context, stmt: Statement) -> Result:
    """SHOW VIEWS: https://docs.snowflake.com/en/sql-reference/sql/show-views."""
    found = select(ctx, read_clauses(skip_head(stmt)), VIEW)
    records = [_common(o) | {"text": o.props.text, "is_secure": str(o.props.secure).lower()} for o in found]
    names = ("created_on", "name", "reserved", "database_name", "schema_name", "owner", "comment", "text", "is_secure")
    return rows(records, printed(stmt, (*names, "is_materialized", "owner_role_type", "change_tracking")))


@statement("SHOW", "OBJECTS", "TERSE OBJECTS")
def show_objects(ctx: Context, stmt: Statement) -> Result:
    """SHOW OBJECTS: tables and views."""
    clauses = read_clauses(skip_head(stmt))
    found: list[Table | View] = [*select(ctx, clauses, TABLE), *select(ctx, clauses, VIEW)]
    found.sort(key=lambda o: o.name)
    names = ("created_on", "name", "database_name", "schema_name", "kind", "comment", "cluster_by", "owner")
    records = [_common(o) | {"kind": str(o.kind)} for o in found]
    return rows(records, printed(stmt, (*names, *(f"is_{kind}" for kind in _OTHER_KINDS))))


def shown_retention(table: TableProps) -> int:
    """A table's retention time in days as Snowflake shows it: 1 unless it is set."""
    return 1 if table.data_retention_time_in_days is None else table.data_retention_time_in_days


def shown_key(table: TableProps) -> str:
    """A table's clustering key as SHOW and INFORMATION_SCHEMA give it, with the word for its kind: ``LINEAR(c1, c2)``.

    Source: https://docs.snowflake.com/en/user-guide/tables-clustering-keys
    """
    key = (table.cluster_by or "").strip()
    return key if not key or key.upper().startswith("LINEAR(") else f"LINEAR({key})"


def _shows_changes(o: Table | View) -> bool:
    return streams.shows_changes(o) if TABLE.describes(o) else o.props.change_tracking


def _common(o: Table | View) -> dict[str, Any]:
    table = o.props if TABLE.describes(o) else TableProps()
    kind = "TEMPORARY" if table.temporary else "TRANSIENT" if table.transient else str(o.kind)
    return {
        **common(o),
        "kind": kind,
        "cluster_by": shown_key(table),
        "reserved": "",
        "retention_time": str(shown_retention(table)),
        "automatic_clustering": "ON" if table.cluster_by else "OFF",
        "change_tracking": "ON" if _shows_changes(o) else "OFF",
        **{f"is_{kind}": "N" for kind in (*_OTHER_KINDS, "external")},
        "is_materialized": "false",
    }


@statement("DESCRIBE", "TABLE", "VIEW")
def describe_table(ctx: Context, stmt: Statement) -> Result:
    """DESCRIBE TABLE | VIEW name: https://docs.snowflake.com/en/sql-reference/sql/desc-table."""
    reader = skip_head(stmt)
    name = ctx.resolve(reader.name_parts())
    records = [
        {
            "name": c.name,
            "type": c.type,
            "kind": "COLUMN",
            "null?": "Y" if c.nullable else "N",
            "default": c.default if c.identity is None else _identity(c),
            "primary key": "Y" if c.primary_key else "N",
            "unique key": "Y" if c.unique else "N",
            "comment": c.comment or None,
        }
        for c in _with_columns(ctx, name, stmt.kind).props.columns
    ]
    names = ("name", "type", "kind", "null?", "default", "primary key", "unique key", "check", "expression", "comment")
    return rows(records, (*names, "policy name", "privacy domain"))


@statement("SHOW", "COLUMNS")
def show_columns(ctx: Context, stmt: Statement) -> Result:
    """SHOW COLUMNS: https://docs.snowflake.com/en/sql-reference/sql/show-columns."""
    clauses = read_clauses(skip_head(stmt))
    if clauses.scope in {"TABLE", "VIEW"}:
        name = ctx.resolve(clauses.parts)
        objects: list[Table | View] = [_with_columns(ctx, name, clauses.scope)]
    else:
        database, schema = scope(ctx, clauses)
        objects = [*find_all(ctx, TABLE, database, schema), *find_all(ctx, VIEW, database, schema)]
    keep = like_filter(clauses.like)
    records = [_record(o, c) for o in objects for c in o.props.columns if keep(c.name)]
    return rows(records, _COLUMNS)


def _with_columns(ctx: Context, name: Name, kind: str) -> Table | View:
    found = ctx.relation(name)
    if found is None or STREAM.describes(found):
        raise does_not_exist(kind.capitalize(), name.fqn)
    return found


def _record(table: Table | View, column: Column) -> dict[str, Any]:
    about = (column.name, json.dumps(_data_type(column)), "true" if column.nullable else "NOT_NULL")
    database, schema, name = table.name
    described = (column.default or "", "COLUMN", "", column.comment, database)
    values = (name, schema, *about, *described, "" if column.identity is None else _identity(column))
    return dict(zip(_COLUMNS, values, strict=True))


def _identity(column: Column) -> str:
    start, step = column.identity or (1, 1)
    return f"IDENTITY START {start} INCREMENT {step} NOORDER"


def bytes_of(kind: SfType) -> int:
    """How many bytes a text or binary value of a type may have."""
    return min(kind.length * 4, MAX_TEXT) if kind.name == "VARCHAR" else kind.length


def _data_type(column: Column) -> dict[str, Any]:
    kind = parse_type(column.type)
    found: dict[str, Any] = {"type": {"NUMBER": "FIXED", "FLOAT": "REAL", "VARCHAR": "TEXT"}.get(kind.name, kind.name)}
    if kind.name == "NUMBER":
        found |= {"precision": kind.precision, "scale": kind.scale}
    if kind.name.startswith("TIME"):
        found |= {"precision": 0, "scale": kind.scale}
    if kind.length:
        found |= {"length": kind.length, "byteLength": bytes_of(kind)}
    return found | {"nullable": column.nullable}
