"""CREATE, DROP and SHOW ROLES, USE ROLE and USE SECONDARY ROLES, and the functions that tell a session's roles."""

import json
from dataclasses import replace

from local_snowflake.catalog.catalog import Change
from local_snowflake.catalog.objects import KINDS, ROLE, Object, RecordedOptions
from local_snowflake.errors import SnowflakeError
from local_snowflake.execution.context import Context
from local_snowflake.execution.objects import drop, keep_existing, read_target
from local_snowflake.execution.registry import statement, system_function
from local_snowflake.execution.results import Result, rows, status
from local_snowflake.execution.show_clauses import common, pick, read_clauses
from local_snowflake.privileges.grants import ALL
from local_snowflake.sql.names import Name
from local_snowflake.sql.statement import Statement, skip_head

BUILT_IN_ROLES = ("ACCOUNTADMIN", "ORGADMIN", "PUBLIC", "SECURITYADMIN", "SYSADMIN", "USERADMIN")


@statement("CREATE", "ROLE")
def create_role(ctx: Context, stmt: Statement) -> Result:
    """CREATE [OR REPLACE] ROLE [IF NOT EXISTS] name [COMMENT = '…'].

    Source: https://docs.snowflake.com/en/sql-reference/sql/create-role
    """
    reader, name, if_not_exists = read_target(ctx, stmt)
    reader.accept("WITH")
    options = reader.options()
    reader.finish()
    if kept := keep_existing(stmt, name, ctx.catalog.get(ROLE, name), if_not_exists=if_not_exists):
        return kept
    comment = str(options.pop("COMMENT", ""))
    with ctx.ddl() as change:
        change.put(Object(ROLE, name, RecordedOptions(options), owner=ctx.session.role, comment=comment))
    return status(f"Role {name.name} successfully created.")


@statement("DROP", "ROLE")
def drop_role(ctx: Context, stmt: Statement) -> Result:
    """DROP ROLE [IF EXISTS] name: what it owns belongs to the role that drops it from then on.

    Source: https://docs.snowflake.com/en/sql-reference/sql/drop-role
    """

    def remove(change: Change, role: Object[RecordedOptions]) -> None:
        change.drop(role)
        for kind in KINDS.values():
            for owned in ctx.services.catalog.all(kind):
                if owned.owner == role.name.name and owned.key != role.key:
                    change.put(replace(owned, owner=ctx.session.role))

    return drop(ctx, stmt, ROLE, remove, check=_refuse_built_in)


def _refuse_built_in(role: Object[RecordedOptions]) -> None:
    if role.name.name in BUILT_IN_ROLES:
        text = f"SQL access control error:\nThe role {role.name.name} is one of the system's: it cannot be dropped."
        raise SnowflakeError(3001, "42501", text)


@statement("SHOW", "ROLES")
def show_roles(ctx: Context, stmt: Statement) -> Result:
    """SHOW ROLES: https://docs.snowflake.com/en/sql-reference/sql/show-roles."""
    records = [
        {**common(o), "is_default": "N", "is_current": "Y" if o.name.name == ctx.session.role else "N"}
        for o in pick(read_clauses(skip_head(stmt)), ctx.catalog.all(ROLE))
    ]
    return rows(records, ("created_on", "name", "is_default", "is_current", "owner", "comment"))


@statement("USE", "ROLE")
def use_role(ctx: Context, stmt: Statement) -> Result:
    """USE ROLE name: https://docs.snowflake.com/en/sql-reference/sql/use-role."""
    reader = skip_head(stmt)
    role = ctx.catalog.need(ROLE, Name("", "", reader.identifier())).name.name
    reader.finish()
    ctx.rights.check_role(role)
    ctx.session.role = role
    return status()


@statement("USE", "SECONDARY ROLES")
def use_secondary_roles(ctx: Context, stmt: Statement) -> Result:
    """USE SECONDARY ROLES ALL | NONE | role, …: https://docs.snowflake.com/en/sql-reference/sql/use-secondary-roles."""
    reader = skip_head(stmt)
    roles = reader.listed(reader.identifier)
    reader.finish()
    if roles == ["NONE"]:
        roles = []
    ctx.rights.check_role(ctx.session.role)
    for role in [] if roles == [ALL] else roles:
        ctx.rights.check_role(ctx.catalog.need(ROLE, Name("", "", role)).name.name)
    ctx.session.secondary_roles = tuple(roles)
    return status()


system_function("CURRENT_ROLE")(lambda ctx, *_: ctx.session.role)


@system_function("CURRENT_SECONDARY_ROLES")
def current_secondary_roles(ctx: Context) -> str:
    """CURRENT_SECONDARY_ROLES(): https://docs.snowflake.com/en/sql-reference/functions/current_secondary_roles."""
    chosen = ctx.session.secondary_roles
    of_user = ctx.services.access.roles_of_user(ctx.session.user)
    roles = sorted(of_user - {ctx.session.role}) if chosen == (ALL,) else chosen
    return json.dumps({"roles": ",".join(roles), "value": ALL if chosen == (ALL,) else ",".join(chosen)})


@system_function("IS_ROLE_IN_SESSION")
def is_role_in_session(ctx: Context, role: str) -> bool:
    """IS_ROLE_IN_SESSION(role): https://docs.snowflake.com/en/sql-reference/functions/is_role_in_session."""
    return role in ctx.services.access.roles_in_session(ctx.session)


@system_function("CURRENT_AVAILABLE_ROLES")
def current_available_roles(ctx: Context) -> str:
    """CURRENT_AVAILABLE_ROLES(): https://docs.snowflake.com/en/sql-reference/functions/current_available_roles."""
    return json.dumps(sorted({ctx.session.role, *ctx.services.access.roles_of_user(ctx.session.user)}))
