"""SHOW TABLES, VIEWS and OBJECTS."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from local_snowflake import streams
from local_snowflake.catalog.catalog import Object
from local_snowflake.execution.context import Context
from local_snowflake.execution.registry import statement
from local_snowflake.execution.results import Result, rows
from local_snowflake.execution.show_clauses import read_clauses, select
from local_snowflake.sql.statement import Statement, skip_head

TIME = pa.timestamp("us", "UTC")


def row_count(ctx: Context, table: Object) -> int:
    """How many rows a table has."""
    return int(ctx.query(f"SELECT count(*) FROM {ctx.physical(table.name)}")[0][0])


@statement("SHOW", "TABLES", "TERSE TABLES")
def show_tables(ctx: Context, stmt: Statement) -> Result:
    """SHOW TABLES: https://docs.snowflake.com/en/sql-reference/sql/show-tables."""
    found = select(ctx, read_clauses(skip_head(stmt)), "TABLE")
    records = [_common(o) | {"rows": row_count(ctx, o), "bytes": 0} for o in found]
    names = ("name", "database_name", "schema_name", "kind", "comment", "cluster_by")
    more = ("owner", "retention_time", "automatic_clustering", "change_tracking", "owner_role_type", "is_external")
    kinds: dict[str, pa.DataType | None] = {"created_on": TIME, **dict.fromkeys(names)}
    return rows(records, kinds | {"rows": pa.int64(), "bytes": pa.int64()} | dict.fromkeys(more))


@statement("SHOW", "VIEWS", "TERSE VIEWS")
def show_views(ctx: Context, stmt: Statement) -> Result:
    """SHOW VIEWS: https://docs.snowflake.com/en/sql-reference/sql/show-views."""
    found = select(ctx, read_clauses(skip_head(stmt)), "VIEW")
    records = [_common(o) | {"text": o.props["text"], "is_secure": str(o.props["secure"]).lower()} for o in found]
    names = ("name", "reserved", "database_name", "schema_name", "owner", "comment", "text", "is_secure")
    return rows(records, {"created_on": TIME, **dict.fromkeys((*names, "is_materialized", "owner_role_type"))})


@statement("SHOW", "OBJECTS", "TERSE OBJECTS")
def show_objects(ctx: Context, stmt: Statement) -> Result:
    """SHOW OBJECTS: tables and views."""
    clauses = read_clauses(skip_head(stmt))
    found = sorted((o for kind in ("TABLE", "VIEW") for o in select(ctx, clauses, kind)), key=lambda o: o.name)
    names = ("name", "database_name", "schema_name", "kind", "comment", "cluster_by", "owner")
    return rows([_common(o) for o in found], {"created_on": TIME, **dict.fromkeys(names)})


def _common(o: Object) -> dict[str, Any]:
    transient, temporary = o.props.get("transient"), o.props.get("temporary")
    kind = "VIEW" if o.kind == "VIEW" else "TEMPORARY" if temporary else "TRANSIENT" if transient else "TABLE"
    return {
        "created_on": o.created_on,
        "name": o.name.name,
        "database_name": o.name.database,
        "schema_name": o.name.schema,
        "kind": kind,
        "comment": o.comment,
        "cluster_by": "",
        "owner": o.owner,
        "reserved": "",
        "retention_time": str(o.props.get("data_retention_time_in_days", 1)),
        "automatic_clustering": "OFF",
        "change_tracking": "ON" if streams.shows_changes(o) else "OFF",
        "owner_role_type": "ROLE",
        "is_external": "N",
        "is_materialized": "false",
    }
