"""DESCRIBE TABLE and VIEW, SHOW COLUMNS."""

from __future__ import annotations

import json
from typing import Any

from local_snowflake.catalog.catalog import Object
from local_snowflake.errors import does_not_exist
from local_snowflake.execution.context import Context
from local_snowflake.execution.registry import statement
from local_snowflake.execution.results import Result, rows
from local_snowflake.execution.show_clauses import like_filter, read_clauses, scope
from local_snowflake.sql.statement import Statement, skip_head
from local_snowflake.sql.types import parse_type


@statement("DESCRIBE", "TABLE", "VIEW")
def describe_table(ctx: Context, stmt: Statement) -> Result:
    """DESCRIBE TABLE | VIEW name: https://docs.snowflake.com/en/sql-reference/sql/desc-table."""
    reader = skip_head(stmt)
    name = ctx.resolve(reader.name_parts())
    found = ctx.relation(name)
    if found is None:
        raise does_not_exist(stmt.kind.capitalize(), name.fqn)
    records = [
        {
            "name": c["name"],
            "type": c["type"],
            "kind": "COLUMN",
            "null?": "Y" if c["nullable"] else "N",
            "default": c["default"],
            "primary key": "Y" if c.get("primary_key") else "N",
            "unique key": "Y" if c.get("unique") else "N",
            "comment": c["comment"] or None,
        }
        for c in found.props["columns"]
    ]
    names = ("name", "type", "kind", "null?", "default", "primary key", "unique key", "check", "expression", "comment")
    return rows(records, dict.fromkeys((*names, "policy name", "privacy domain")))


@statement("SHOW", "COLUMNS")
def show_columns(ctx: Context, stmt: Statement) -> Result:
    """SHOW COLUMNS: https://docs.snowflake.com/en/sql-reference/sql/show-columns."""
    clauses = read_clauses(skip_head(stmt))
    if clauses.scope in {"TABLE", "VIEW"}:
        name = ctx.resolve(clauses.parts)
        found = ctx.relation(name)
        if found is None:
            raise does_not_exist(clauses.scope.capitalize(), name.fqn)
        objects = [found]
    else:
        database, schema = scope(ctx, clauses)
        objects = [o for kind in ("TABLE", "VIEW") for o in ctx.catalog.all(kind, database, schema)]
    keep = like_filter(clauses.like)
    records = [_record(o, c) for o in objects for c in o.props["columns"] if keep(c["name"])]
    names = ("table_name", "schema_name", "column_name", "data_type", "null?", "default", "kind", "expression")
    return rows(records, dict.fromkeys((*names, "comment", "database_name", "autoincrement")))


def _record(table: Object, column: dict[str, Any]) -> dict[str, Any]:
    return {
        "table_name": table.name.name,
        "schema_name": table.name.schema,
        "column_name": column["name"],
        "data_type": json.dumps(_data_type(column)),
        "null?": "true" if column["nullable"] else "NOT_NULL",
        "default": column["default"] or "",
        "kind": "COLUMN",
        "expression": "",
        "comment": column["comment"],
        "database_name": table.name.database,
        "autoincrement": "",
    }


def _data_type(column: dict[str, Any]) -> dict[str, Any]:
    kind = parse_type(column["type"])
    found: dict[str, Any] = {"type": {"NUMBER": "FIXED", "FLOAT": "REAL", "VARCHAR": "TEXT"}.get(kind.name, kind.name)}
    if kind.name == "NUMBER":
        found |= {"precision": kind.precision, "scale": kind.scale}
    if kind.length:
        found |= {"length": kind.length, "byteLength": kind.length}
    return found | {"nullable": column["nullable"]}
