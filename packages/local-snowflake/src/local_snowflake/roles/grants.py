"""GRANT and REVOKE of privileges, ownership and roles; SHOW GRANTS.

Sources: https://docs.snowflake.com/en/sql-reference/sql/grant-privilege,
https://docs.snowflake.com/en/sql-reference/sql/grant-ownership and
https://docs.snowflake.com/en/sql-reference/sql/grant-role
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from local_snowflake.catalog.catalog import Change
from local_snowflake.catalog.grants import ACCOUNT, GrantProps
from local_snowflake.catalog.objects import GRANT, ROLE, Object
from local_snowflake.errors import SnowflakeError, compilation_error
from local_snowflake.execution.context import Context
from local_snowflake.execution.registry import statement
from local_snowflake.execution.results import Result, status
from local_snowflake.privileges.rules import OWNERSHIP, PRIVILEGES
from local_snowflake.roles.reading import Request, Target, read_request, see_to_grant
from local_snowflake.sql.names import Name
from local_snowflake.sql.statement import Statement


@dataclass(frozen=True)
class _Of:
    """One object that a statement is about, and its owner; of the account and of future objects there is none."""

    target: Target
    found: Object | None

    @property
    def owner(self) -> str:
        return self.found.owner if self.found else ""


@statement("GRANT")
def grant(ctx: Context, stmt: Statement) -> Result:
    """GRANT privileges ON … TO ROLE r | ROLE r TO ROLE | USER x | OWNERSHIP ON … TO ROLE r."""
    see_to_grant(ctx)
    request = read_request(ctx, stmt, "TO")
    if request.to == ROLE:
        ctx.catalog.need(ROLE, Name("", "", request.grantee))
    things = list(_things(ctx, request))
    if request.privileges == (OWNERSHIP,) and not any(t.target.future for t in things):
        _transfer(ctx, request, things)
        return status()
    new = []
    for thing in things:
        for privilege in _privileges(request, thing.target):
            _check(ctx, thing, privilege)
            new.append(_props(request, thing.target, privilege))
    with ctx.ddl() as change:
        for props in new:
            change.put(Object(GRANT, props.name, props, owner=ctx.session.role))
    return status()


@statement("REVOKE")
def revoke(ctx: Context, stmt: Statement) -> Result:
    """REVOKE [GRANT OPTION FOR] privileges ON … FROM ROLE r | ROLE r FROM ROLE | USER x.

    Source: https://docs.snowflake.com/en/sql-reference/sql/revoke-privilege
    """
    see_to_grant(ctx)
    request = read_request(ctx, stmt, "FROM")
    if request.privileges == (OWNERSHIP,):
        raise compilation_error("OWNERSHIP cannot be revoked: GRANT OWNERSHIP transfers it to another role.")
    found = []
    for thing in _things(ctx, request):
        for privilege in _privileges(request, thing.target):
            _check(ctx, thing, privilege)
            if old := ctx.catalog.get(GRANT, _props(request, thing.target, privilege).name):
                found.append(old)
    with ctx.ddl() as change:
        for old in found:
            if request.option_only:
                change.put(replace(old, props=replace(old.props, grant_option=False)))
            else:
                change.drop(old)
    return status()


def _things(ctx: Context, request: Request) -> Iterator[_Of]:
    """The objects that a statement names, or that are of a kind in a database or schema."""
    target, catalog = request.target, ctx.catalog
    if target.everything:
        database, schema, _ = target.name
        yield from (
            _Of(Target(found.kind, found.name), found) for found in catalog.all(target.kind, database, schema or None)
        )
    elif target.future or target.kind not in {*PRIVILEGES, ROLE} or target.kind == ACCOUNT:
        yield _Of(target, None)
    else:
        yield _Of(target, catalog.need(target.kind, target.name))


def _privileges(request: Request, target: Target) -> tuple[str, ...]:
    return PRIVILEGES.get(target.kind, request.privileges) if request.privileges == ("ALL",) else request.privileges


def _props(request: Request, target: Target, privilege: str) -> GrantProps:
    return GrantProps(
        privilege, target.kind, target.name, request.to, request.grantee, request.grant_option, target.future
    )


def _check(ctx: Context, thing: _Of, privilege: str) -> None:
    """Raise 003001 if the roles may not grant a privilege, or take it back."""
    key = (thing.target.kind, thing.target.name)
    if not ctx.rights.may_grant(key, thing.owner, privilege):
        text = "SQL access control error:\nGrant not executed: Insufficient privileges."
        raise SnowflakeError(3001, "42501", text)


def _transfer(ctx: Context, request: Request, things: list[_Of]) -> None:
    """GRANT OWNERSHIP: the new owner is a role that the session has, or the roles manage grants.

    Sources: https://docs.snowflake.com/en/sql-reference/sql/grant-ownership and
    https://docs.snowflake.com/en/release-notes/bcr-bundles/2026_07/bcr-2395
    """
    for thing in things:
        _check(ctx, thing, OWNERSHIP)
        if not (ctx.rights.manages_grants() or ctx.rights.is_active(request.grantee)):
            text = f"{thing.target.kind} ownership can only be transferred to a role that is activated in the current "
            raise compilation_error(f"{text}session or by a role with account-level MANAGE GRANTS.", 3001, "42501")
        if (held := _outbound(ctx, thing)) and request.current_grants is None:
            privilege, grantee = held[0].props.privilege, held[0].props.grantee
            text = f"Dependent grant of privilege '{privilege}' on securable {thing.target.name.fqn} to role "
            text += f"'{grantee}' exists. It must be revoked first: say REVOKE CURRENT GRANTS, or COPY CURRENT GRANTS."
            raise compilation_error(text, 3009, "42501")
    with ctx.ddl() as change:
        for thing in things:
            _give(ctx, change, thing, request)


def _outbound(ctx: Context, thing: _Of) -> list[Object[GrantProps]]:
    key = (thing.target.kind, thing.target.name)
    return [g for g in ctx.catalog.all(GRANT) if g.props.key == key and not g.props.future]


def _give(ctx: Context, change: Change, thing: _Of, request: Request) -> None:
    if thing.found is None:
        return
    change.put(replace(thing.found, owner=request.grantee))
    for held in _outbound(ctx, thing):
        if request.current_grants == "REVOKE":
            change.drop(held)
        else:
            change.put(replace(held, owner=request.grantee))
