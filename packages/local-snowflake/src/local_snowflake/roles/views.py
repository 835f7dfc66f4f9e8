"""INFORMATION_SCHEMA's views of privileges and roles.

Source: https://docs.snowflake.com/en/sql-reference/info-schema, and the page of each view below it
"""

from collections.abc import Callable
from typing import Any

import pyarrow as pa

from local_snowflake.catalog.objects import ROLE, TABLE, VIEW
from local_snowflake.execution.context import Context
from local_snowflake.execution.objects import tabulate
from local_snowflake.execution.registry import table_function
from local_snowflake.execution.results import TIME
from local_snowflake.roles.show import GivenGrant, granted, owned

_TYPES = {"CREATED": TIME}
_Columns = dict[str, Callable[[GivenGrant], Any]]
_BY: _Columns = {
    "GRANTOR": lambda g: g[2],
    "GRANTEE": lambda g: g[1].grantee,
    "GRANTED_TO": lambda g: g[1].to,
}
_HOW: _Columns = {
    "PRIVILEGE_TYPE": lambda g: g[1].privilege,
    "IS_GRANTABLE": lambda g: "YES" if g[1].grant_option else "NO",
}
_CREATED: _Columns = {"CREATED": lambda g: g[0]}


def _named(kind: str) -> _Columns:
    return {
        f"{kind}_CATALOG": lambda g: g[1].target.database or None,
        f"{kind}_SCHEMA": lambda g: g[1].target.schema or None,
        f"{kind}_NAME": lambda g: g[1].target.name,
    }


def _grants(ctx: Context, database: str) -> list[GivenGrant]:
    """The grants on what is in a database, on itself, and on what is in none."""
    return [g for g in (*granted(ctx), *owned(ctx)) if g[1].target.database in {database, ""}]


@table_function("INFORMATION_SCHEMA.OBJECT_PRIVILEGES")
def _object_privileges(ctx: Context, database: str) -> pa.Table:
    kind: _Columns = {"OBJECT_TYPE": lambda g: g[1].on}
    return tabulate(_grants(ctx, database), {**_BY, **_named("OBJECT"), **kind, **_HOW, **_CREATED}, _TYPES)


@table_function("INFORMATION_SCHEMA.TABLE_PRIVILEGES")
def _table_privileges(ctx: Context, database: str) -> pa.Table:
    found = [g for g in _grants(ctx, database) if g[1].on in {TABLE, VIEW}]
    more: _Columns = {"WITH_HIERARCHY": lambda _: "NO"}
    return tabulate(found, {**_BY, **_named("TABLE"), **_HOW, **more, **_CREATED}, _TYPES)


@table_function("INFORMATION_SCHEMA.APPLICABLE_ROLES")
def _applicable_roles(ctx: Context, _: str) -> pa.Table:
    owners = {role.name.name: role.owner for role in ctx.catalog.all(ROLE)}
    columns: _Columns = {
        "GRANTEE": lambda g: g[1].grantee,
        "ROLE_NAME": lambda g: g[1].target.name,
        "ROLE_OWNER": lambda g: owners.get(g[1].target.name),
        "IS_GRANTABLE": lambda g: "YES" if g[1].grant_option else "NO",
    }
    return tabulate([g for g in granted(ctx) if g[1].on == ROLE], columns, {})
