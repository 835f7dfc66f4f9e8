"""References to tables and views, which stand for their names in a session's statements."""

import uuid

from local_snowflake.catalog.objects import TABLE, VIEW
from local_snowflake.errors import compilation_error, does_not_exist, not_supported
from local_snowflake.execution.context import Context
from local_snowflake.execution.registry import system_function
from local_snowflake.sql.names import split_parts


@system_function("SYSTEM$REFERENCE", effective="VARCHAR")
def reference(ctx: Context, kind: str, identifier: str, scope: str = "CALL", *privileges: str) -> str:
    """SYSTEM$REFERENCE('TABLE' | 'VIEW', 'name' [, 'SESSION', 'privilege', …]): a name for procedures to work with.

    Args:
        ctx: the statement's context.
        kind: the object's kind.
        identifier: its name.
        scope: how long the reference is valid.
        privileges: what may be done with the object besides SELECT: the caller's roles need them.

    Returns:
        A name that means the object until the session ends; statements run with the roles of who uses it.

    Raises:
        SnowflakeError: 000002 for another kind, and for the scopes CALL and PERSISTENT; 001003 for an unknown scope;
            002003 if there is no such object; 003001 without one of the privileges.

    Source: https://docs.snowflake.com/en/sql-reference/functions/system_reference
    """
    if kind.upper() not in {TABLE, VIEW}:
        raise not_supported(f"SYSTEM$REFERENCE of {kind.upper()}")
    if scope.upper() != "SESSION":
        if scope.upper() not in {"CALL", "PERSISTENT"}:
            raise compilation_error(f"invalid scope [{scope}] of SYSTEM$REFERENCE: CALL, SESSION or PERSISTENT.")
        raise not_supported(f"SYSTEM$REFERENCE with the scope {scope.upper()}")
    name = ctx.resolve(split_parts(identifier))
    found = ctx.relation(name)
    if found is None or found.kind != kind.upper():
        raise does_not_exist(kind.upper(), name.fqn)
    ctx.rights.require(found, "SELECT")
    for privilege in privileges:
        ctx.rights.require(found, privilege.upper())
    made = f"ENT_REF_{kind.upper()}_{uuid.uuid4().hex.upper()}"
    ctx.session.references[made] = name
    return made
