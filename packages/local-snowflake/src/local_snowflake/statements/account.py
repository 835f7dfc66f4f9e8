"""Warehouses, roles and grants: recorded and shown, though nothing is metered and nobody is kept out."""

import re
from dataclasses import replace

from local_snowflake.catalog.objects import GRANT, KINDS, ROLE, WAREHOUSE, NoProps, Object, RecordedOptions
from local_snowflake.execution.context import Context
from local_snowflake.execution.objects import drop, keep_existing, read_target
from local_snowflake.execution.registry import statement
from local_snowflake.execution.results import Result, rows, status
from local_snowflake.execution.show_clauses import common, pick, read_clauses
from local_snowflake.sql.names import Name, shown, split_parts
from local_snowflake.sql.statement import Statement, skip_head

_GRANT = re.compile(
    r'(?:GRANT|REVOKE) (?P<privilege>.+?)(?: ON (?P<kind>.+?) (?P<name>(?:"[^"]*"|[^\s"])+))? '
    r"(?:TO|FROM) (?P<grantee>.+)",
    re.IGNORECASE,
)

BUILT_IN_ROLES = ("ACCOUNTADMIN", "ORGADMIN", "PUBLIC", "SECURITYADMIN", "SYSADMIN", "USERADMIN")


@statement("CREATE", "WAREHOUSE", "ROLE")
def create(ctx: Context, stmt: Statement) -> Result:
    """CREATE [OR REPLACE] WAREHOUSE | ROLE [IF NOT EXISTS] name [[WITH] options]."""
    reader, name, if_not_exists = read_target(ctx, stmt)
    reader.accept("WITH")
    options = reader.options()
    reader.finish()
    if kept := keep_existing(stmt, name, ctx.catalog.get(stmt.kind, name), if_not_exists=if_not_exists):
        return kept
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
def drop_warehouse_or_role(ctx: Context, stmt: Statement) -> Result:
    """DROP WAREHOUSE | ROLE [IF EXISTS] name."""
    return drop(ctx, stmt, KINDS[stmt.kind])


@statement("SHOW", "WAREHOUSES")
def show_warehouses(ctx: Context, stmt: Statement) -> Result:
    """SHOW WAREHOUSES."""
    records = [
        {
            **common(o),
            "state": "STARTED",
            "type": "STANDARD",
            "size": o.props.root.get("WAREHOUSE_SIZE", "X-Small"),
            "is_current": "Y" if o.name.name == ctx.session.warehouse else "N",
            "auto_suspend": str(o.props.root.get("AUTO_SUSPEND", 600)),
        }
        for o in pick(read_clauses(skip_head(stmt)), ctx.catalog.all(WAREHOUSE))
    ]
    names = ("name", "state", "type", "size", "is_current", "auto_suspend", "created_on", "owner", "comment")
    return rows(records, names)


@statement("SHOW", "ROLES")
def show_roles(ctx: Context, stmt: Statement) -> Result:
    """SHOW ROLES."""
    records = [
        {**common(o), "is_default": "N", "is_current": "Y" if o.name.name == ctx.session.role else "N"}
        for o in pick(read_clauses(skip_head(stmt)), ctx.catalog.all(ROLE))
    ]
    return rows(records, ("created_on", "name", "is_default", "is_current", "owner", "comment"))


@statement("GRANT")
def grant(ctx: Context, stmt: Statement) -> Result:
    """GRANT … TO [ROLE | USER] …: recorded for SHOW GRANTS."""
    text = " ".join(stmt.sql.split())
    grantee = text.upper().rpartition(" TO ")[2].replace('"', "").split()
    if grantee and grantee[0] == "ROLE":
        ctx.catalog.need(ROLE, Name("", "", grantee[1]))
    with ctx.ddl() as change:
        change.put(Object(GRANT, Name("", "", _granted(text)), NoProps(), owner=ctx.session.role))
    return status()


def _granted(text: str) -> str:
    """What a GRANT or REVOKE is about, one text however it is written: ``SELECT ON TABLE D.S.T TO ROLE R``."""
    if (found := _GRANT.fullmatch(text)) is None:
        return text.partition(" ")[2].upper()
    grantee = found["grantee"].replace('"', "").upper()
    if not found["name"]:
        return f"{found['privilege'].upper()} TO {grantee}"
    name = ".".join(shown(part) for part in split_parts(found["name"]))
    return f"{found['privilege'].upper()} ON {found['kind'].upper()} {name} TO {grantee}"


@statement("REVOKE")
def revoke(ctx: Context, stmt: Statement) -> Result:
    """REVOKE … FROM [ROLE | USER] …: takes a recorded grant back."""
    found = ctx.catalog.get(GRANT, Name("", "", _granted(" ".join(stmt.sql.split()))))
    if found:
        with ctx.ddl() as change:
            change.drop(found)
    return status()


@statement("SHOW", "GRANTS")
def show_grants(ctx: Context, stmt: Statement) -> Result:
    """SHOW GRANTS [TO ROLE | USER name]: what was granted; to one of them, or to all."""
    reader, grantee_name = skip_head(stmt), None
    if reader.accept("TO") and reader.accept_any("ROLE", "USER"):
        grantee_name = reader.identifier()
    records = []
    for o in ctx.catalog.all(GRANT):
        what, _, grantee = o.name.name.rpartition(" TO ")
        privilege, _, target = what.partition(" ON ")
        kind, _, name = target.partition(" ")
        words = grantee.split()
        granted_to = words[0] if len(words) > 1 else "ROLE"
        if grantee_name in (None, words[-1] if words else ""):
            records.append((o.created_on, privilege, kind, name, granted_to, words[-1] if words else "", o.owner))
    names = ("created_on", "privilege", "granted_on", "name", "granted_to", "grantee_name", "granted_by")
    return rows([dict(zip(names, record, strict=True)) for record in records], names)
