"""INFORMATION_SCHEMA's views of procedures, functions, stages and file formats.

Source: https://docs.snowflake.com/en/sql-reference/info-schema
"""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from local_snowflake.catalog.objects import (
    FILE_FORMAT,
    FUNCTION,
    PROCEDURE,
    STAGE,
    Kind,
    Object,
    P,
    Routine,
    RoutineProps,
)
from local_snowflake.execution.context import Context
from local_snowflake.execution.registry import table_function
from local_snowflake.information_schema.views import TIME, as_table
from local_snowflake.sql.types import parse_type

_TEXT = pa.string()
# the options of a file format that have a column of their own; what is not set shows as NULL
_FORMAT_OPTIONS = (
    *("RECORD_DELIMITER", "FIELD_DELIMITER", "SKIP_HEADER", "DATE_FORMAT", "TIME_FORMAT", "TIMESTAMP_FORMAT"),
    *("BINARY_FORMAT", "ESCAPE", "ESCAPE_UNENCLOSED_FIELD", "TRIM_SPACE", "FIELD_OPTIONALLY_ENCLOSED_BY", "NULL_IF"),
    *("COMPRESSION", "ERROR_ON_COLUMN_COUNT_MISMATCH"),
)


def _objects(ctx: Context, kind: Kind[P], database: str) -> list[Object[P]]:
    """The objects of a kind in a database, the session's temporary ones among them, by name."""
    temporary = [o for o in ctx.session.temporary_objects.values() if kind.describes(o) and o.name.database == database]
    return sorted([*ctx.catalog.all(kind, database), *temporary], key=lambda o: o.name)


def _times(o: Object) -> dict[str, Any]:
    return {"CREATED": o.created_on, "LAST_ALTERED": o.created_on, "COMMENT": o.comment or None}


def _table(records: list[dict[str, Any]], names: tuple[str, ...]) -> pa.Table:
    return as_table(records, dict.fromkeys(names, _TEXT) | {"CREATED": TIME, "LAST_ALTERED": TIME, "COMMENT": _TEXT})


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
        "IS_SECURE": "YES" if props.secure else "NO",
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
    return _table([_routine(o, kind) for o in _objects(ctx, kind, database)], names)


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
        for o in _objects(ctx, STAGE, database)
    ]
    names = ("STAGE_CATALOG", "STAGE_SCHEMA", "STAGE_NAME", "STAGE_URL", "STAGE_REGION", "STAGE_TYPE", "STAGE_OWNER")
    return _table(records, names)


@table_function("INFORMATION_SCHEMA.FILE_FORMATS")
def file_formats(ctx: Context, database: str) -> pa.Table:
    """https://docs.snowflake.com/en/sql-reference/info-schema/file_formats."""
    records = [
        {f"FILE_FORMAT_{k}": v for k, v in zip(("CATALOG", "SCHEMA", "NAME"), o.name, strict=True)}
        | {"FILE_FORMAT_OWNER": o.owner, "FILE_FORMAT_TYPE": o.props.options.get("TYPE"), **_times(o)}
        | {k: str(v) for k, v in o.props.options.items() if k in _FORMAT_OPTIONS}
        for o in _objects(ctx, FILE_FORMAT, database)
    ]
    names = tuple(f"FILE_FORMAT_{p}" for p in ("CATALOG", "SCHEMA", "NAME", "OWNER", "TYPE"))
    return _table(records, (*names, *_FORMAT_OPTIONS))
