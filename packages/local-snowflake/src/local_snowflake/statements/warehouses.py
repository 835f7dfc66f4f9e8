"""Warehouses: recorded and shown, though nothing is metered."""

import re
from dataclasses import replace

from local_snowflake.catalog.objects import WAREHOUSE, Object, RecordedOptions
from local_snowflake.execution.context import Context
from local_snowflake.execution.objects import drop, keep_existing, read_target
from local_snowflake.execution.registry import statement
from local_snowflake.execution.results import Result, rows, status
from local_snowflake.execution.show_clauses import common, pick, read_clauses
from local_snowflake.sql.names import Name
from local_snowflake.sql.statement import Statement, skip_head


@statement("CREATE", "WAREHOUSE")
def create(ctx: Context, stmt: Statement) -> Result:
    """CREATE [OR REPLACE] WAREHOUSE [IF NOT EXISTS] name [[WITH] options]."""
    reader, name, if_not_exists = read_target(ctx, stmt)
    reader.accept("WITH")
    options = reader.options()
    reader.finish()
    ctx.rights.refuse_unseen((WAREHOUSE,), name)
    if kept := keep_existing(stmt, name, ctx.catalog.get(WAREHOUSE, name), if_not_exists=if_not_exists):
        return kept
    comment = str(options.pop("COMMENT", ""))
    with ctx.ddl() as change:
        change.put(Object(WAREHOUSE, name, RecordedOptions(options), owner=ctx.session.role, comment=comment))
    ctx.session.warehouse = name.name
    return status(f"Warehouse {name.name} successfully created.")


@statement("ALTER", "WAREHOUSE")
def alter_warehouse(ctx: Context, stmt: Statement) -> Result:
    """ALTER WAREHOUSE [IF EXISTS] name RESUME | SUSPEND | SET options."""
    reader = skip_head(stmt)
    reader.accept("IF", "EXISTS")
    found = ctx.catalog.need(WAREHOUSE, Name("", "", reader.identifier()))
    action = reader.accept_any("RESUME", "SUSPEND", "SET")
    if action is None:
        raise reader.unexpected("RESUME, SUSPEND or SET")
    reader.accept("IF", "SUSPENDED")
    options = reader.options()
    reader.finish()
    ctx.rights.require(found, "MODIFY", *(["OPERATE"] if action != "SET" else []))
    with ctx.ddl() as change:
        change.put(replace(found, props=RecordedOptions(found.props.root | options)))
    return status()


@statement("DROP", "WAREHOUSE")
def drop_warehouse(ctx: Context, stmt: Statement) -> Result:
    """DROP WAREHOUSE [IF EXISTS] name."""
    return drop(ctx, stmt, WAREHOUSE)


@statement("SHOW", "WAREHOUSES")
def show_warehouses(ctx: Context, stmt: Statement) -> Result:
    """SHOW WAREHOUSES."""
    records = [
        {
            **common(o),
            "state": "STARTED",
            "type": "STANDARD",
            "size": _size(str(o.props.root.get("WAREHOUSE_SIZE", "XSMALL"))),
            "is_current": "Y" if o.name.name == ctx.session.warehouse else "N",
            "auto_suspend": str(o.props.root.get("AUTO_SUSPEND", 600)),
            "resource_constraint": o.props.root.get("RESOURCE_CONSTRAINT"),
        }
        for o in pick(read_clauses(skip_head(stmt)), ctx.catalog.all(WAREHOUSE))
    ]
    names = ("name", "state", "type", "size", "is_current", "auto_suspend", "created_on", "owner", "comment")
    return rows(records, (*names, "resource_constraint"))


def _size(declared: str) -> str:
    """A size as SHOW spells it, eg: ``2X-Large`` of ``XXLARGE`` or ``X2LARGE``."""
    name = declared.upper().replace("-", "")
    if match := re.fullmatch(r"(?:X(\d)|(\d)X|(X+))(SMALL|LARGE)", name):
        times = int(match[1] or match[2] or len(match[3]))
        return f"{times if times > 1 else ''}X-{match[4].capitalize()}"
    return name.capitalize()
