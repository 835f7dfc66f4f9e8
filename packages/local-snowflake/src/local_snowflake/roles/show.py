"""SHOW GRANTS: https://docs.snowflake.com/en/sql-reference/sql/show-grants."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from local_snowflake.catalog.grants import GrantProps
from local_snowflake.catalog.objects import GRANT, KINDS, ROLE, USER, Object
from local_snowflake.execution.context import Context
from local_snowflake.execution.registry import statement
from local_snowflake.execution.results import Result, rows
from local_snowflake.privileges.rules import OWNERSHIP
from local_snowflake.roles.reading import read_place, read_target, see_to_grant
from local_snowflake.sql.statement import Statement, skip_head

_COLUMNS = ("created_on", "privilege", "granted_on", "name", "granted_to", "grantee_name", "grant_option", "granted_by")


@statement("SHOW", "GRANTS")
def show_grants(ctx: Context, stmt: Statement) -> Result:
    """SHOW GRANTS [TO ROLE | USER name | ON kind name | ON ACCOUNT | OF ROLE name]; by default those to the user."""
    see_to_grant(ctx)
    reader = skip_head(stmt)
    if reader.accept("OF", ROLE):
        role = reader.identifier()
        reader.finish()
        found = (g for g in granted(ctx) if (g[1].on, g[1].target[2]) == (ROLE, role))
        records = [_record(*grant) | {"role": role} for grant in found]
        return rows(records, ("created_on", "role", "granted_to", "grantee_name", "granted_by"))
    if reader.accept("ON"):
        target = read_target(ctx, reader)
        reader.finish()
        key = (target.kind, target.name)
        return _shown([g for g in (*owned(ctx), *granted(ctx)) if g[1].key == key])
    to, name = str(USER), ctx.session.user.upper()
    if reader.accept("TO"):
        to, name = reader.accept_any(ROLE, USER) or ROLE, reader.identifier()
    reader.finish()
    return _shown([g for g in (*granted(ctx), *owned(ctx)) if (g[1].to, g[1].grantee) == (to, name)])


@statement("SHOW", "FUTURE GRANTS")
def show_future_grants(ctx: Context, stmt: Statement) -> Result:
    """SHOW FUTURE GRANTS IN SCHEMA | DATABASE name, or TO ROLE name."""
    see_to_grant(ctx)
    reader = skip_head(stmt)
    found = list(granted(ctx, future=True))
    if reader.accept("TO", ROLE):
        role = reader.identifier()
        found = [g for g in found if g[1].grantee == role]
    else:
        reader.expect("IN")
        place = read_place(ctx, reader)
        found = [g for g in found if g[1].target == place]
    reader.finish()
    return _shown(found)


# when a grant was given, what it is, and by which role
GivenGrant = tuple[datetime, GrantProps, str]


def granted(ctx: Context, *, future: bool = False) -> Iterator[GivenGrant]:
    """The grants of the account, or those on objects to come."""
    for grant in ctx.catalog.all(GRANT):
        if grant.props.future == future:
            yield grant.created_on, grant.props, grant.owner


def owned(ctx: Context) -> Iterator[GivenGrant]:
    """The ownership of objects, which Snowflake shows as grants."""
    for kind in KINDS.values():
        owned: list[Object[Any]] = ctx.catalog.all(kind) if kind != GRANT else []
        for o in owned:
            if o.owner:
                props = GrantProps(OWNERSHIP, str(o.kind), o.name, ROLE, o.owner, grant_option=True)
                yield o.created_on, props, o.owner


def _shown(found: list[GivenGrant]) -> Result:
    return rows([_record(*grant) for grant in found], _COLUMNS)


def _record(created_on: datetime, props: GrantProps, by: str) -> dict[str, Any]:
    return {
        "created_on": created_on,
        "privilege": props.privilege,
        "granted_on": props.on.replace(" ", "_"),
        "name": props.target_text,
        "granted_to": props.to,
        "grantee_name": props.grantee,
        "grant_option": str(props.grant_option).lower(),
        "granted_by": by,
    }
