"""Warehouses, roles and grants: recorded and shown, though nothing is metered and nobody is kept out."""

from dataclasses import replace

import pyarrow as pa

from local_snowflake.catalog.objects import GRANT, ROLE, WAREHOUSE, NoProps, Object, RecordedOptions
from local_snowflake.errors import already_exists, does_not_exist
from local_snowflake.execution.context import Context
from local_snowflake.execution.registry import statement
from local_snowflake.execution.results import Result, rows, status
from local_snowflake.execution.show_clauses import pick, read_clauses
from local_snowflake.sql.names import Name
from local_snowflake.sql.statement import Statement, skip_head

TIME = pa.timestamp("us", "UTC")
BUILT_IN_ROLES = ("ACCOUNTADMIN", "ORGADMIN", "PUBLIC", "SECURITYADMIN", "SYSADMIN", "USERADMIN")


@statement("CREATE", "WAREHOUSE", "ROLE")
def create(ctx: Context, stmt: Statement) -> Result:
    """CREATE [OR REPLACE] WAREHOUSE | ROLE [IF NOT EXISTS] name [[WITH] options]."""
    reader = skip_head(stmt)
    if_not_exists = reader.accept("IF", "NOT", "EXISTS")
    name = Name("", "", reader.identifier())
    reader.accept("WITH")
    options = reader.options()
    reader.finish()
    if ctx.catalog.get(stmt.kind, name) and not stmt.or_replace:
        if not if_not_exists:
            raise already_exists(name.name)
        return status(f"{name.name} already exists, statement succeeded.")
    comment = str(options.pop("COMMENT", ""))
    with ctx.ddl() as change:
        change.put(Object(stmt.kind, name, RecordedOptions(options), owner=ctx.session.role, comment=comment))
    if stmt.kind == WAREHOUSE:
        ctx.session.warehouse = name.name
    return status(f"{stmt.kind.capitalize()} {name.name} successfully created.")


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
    with ctx.ddl() as change:
        change.put(replace(found, props=RecordedOptions(found.props.root | options)))
    return status()


@statement("DROP", "WAREHOUSE", "ROLE")
def drop(ctx: Context, stmt: Statement) -> Result:
    """DROP WAREHOUSE | ROLE [IF EXISTS] name."""
    reader = skip_head(stmt)
    if_exists = reader.accept("IF", "EXISTS")
    name = Name("", "", reader.identifier())
    reader.finish()
    found = ctx.catalog.get(stmt.kind, name)
    if found is None:
        if if_exists:
            return status(f"Drop statement executed successfully ({name.name} already dropped).")
        raise does_not_exist(stmt.kind, name.name)
    with ctx.ddl() as change:
        change.drop(found)
    return status(f"{name.name} successfully dropped.")


@statement("SHOW", "WAREHOUSES")
def show_warehouses(ctx: Context, stmt: Statement) -> Result:
    """SHOW WAREHOUSES."""
    found = pick(read_clauses(skip_head(stmt)), ctx.catalog.all(WAREHOUSE))
    records = [
        {
            "name": o.name.name,
            "state": "STARTED",
            "type": "STANDARD",
            "size": o.props.root.get("WAREHOUSE_SIZE", "X-Small"),
            "is_current": "Y" if o.name.name == ctx.session.warehouse else "N",
            "auto_suspend": str(o.props.root.get("AUTO_SUSPEND", 600)),
            "created_on": o.created_on,
            "owner": o.owner,
            "comment": o.comment,
        }
        for o in found
    ]
    kinds = dict.fromkeys(("name", "state", "type", "size", "is_current", "auto_suspend"))
    return rows(records, kinds | {"created_on": TIME, "owner": None, "comment": None})


@statement("SHOW", "ROLES")
def show_roles(ctx: Context, stmt: Statement) -> Result:
    """SHOW ROLES."""
    found = pick(read_clauses(skip_head(stmt)), ctx.catalog.all(ROLE))
    records = [
        {
            "created_on": o.created_on,
            "name": o.name.name,
            "is_default": "N",
            "is_current": "Y" if o.name.name == ctx.session.role else "N",
            "owner": o.owner,
            "comment": o.comment,
        }
        for o in found
    ]
    return rows(
        records, {"created_on": TIME, **dict.fromkeys(("name", "is_default", "is_current", "owner", "comment"))}
    )


@statement("GRANT")
def grant(ctx: Context, stmt: Statement) -> Result:
    """GRANT … TO [ROLE | USER] …: recorded for SHOW GRANTS."""
    text = " ".join(stmt.sql.split())
    _need_grantee(ctx, text.upper().rpartition(" TO ")[2])
    with ctx.ddl() as change:
        change.put(Object(GRANT, Name("", "", text.partition(" ")[2].upper()), NoProps(), owner=ctx.session.role))
    return status()


@statement("REVOKE")
def revoke(ctx: Context, stmt: Statement) -> Result:
    """REVOKE … FROM [ROLE | USER] …: takes a recorded grant back."""
    what, _, grantee = " ".join(stmt.sql.split()).partition(" ")[2].upper().rpartition(" FROM ")
    found = ctx.catalog.get(GRANT, Name("", "", f"{what} TO {grantee}"))
    if found:
        with ctx.ddl() as change:
            change.drop(found)
    return status()


def _need_grantee(ctx: Context, grantee: str) -> None:
    words = grantee.replace('"', "").split()
    if words and words[0] == "ROLE":
        ctx.catalog.need(ROLE, Name("", "", words[1]))


@statement("SHOW", "GRANTS")
def show_grants(ctx: Context, stmt: Statement) -> Result:
    """SHOW GRANTS: what was granted, in the words of the statement."""
    records = []
    for o in ctx.catalog.all(GRANT):
        what, _, grantee = o.name.name.rpartition(" TO ")
        privilege, _, target = what.partition(" ON ")
        kind, _, name = target.partition(" ")
        words = grantee.split()
        records.append(
            {
                "created_on": o.created_on,
                "privilege": privilege,
                "granted_on": kind,
                "name": name,
                "granted_to": words[0] if len(words) > 1 else "ROLE",
                "grantee_name": words[-1] if words else "",
                "granted_by": o.owner,
            }
        )
    names = ("privilege", "granted_on", "name", "granted_to", "grantee_name", "granted_by")
    return rows(records, {"created_on": TIME, **dict.fromkeys(names)})
