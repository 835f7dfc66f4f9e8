"""The session of a procedure or of a block: its caller's own, in which a transaction that it begins has to end.

Source: https://docs.snowflake.com/en/sql-reference/transactions#scoped-transactions
"""

from collections.abc import Iterator
from contextlib import contextmanager

from local_snowflake.catalog.objects import Routine
from local_snowflake.errors import SnowflakeError
from local_snowflake.execution.context import Context
from local_snowflake.sessions.token import SessionToken


@contextmanager
def scoped(ctx: Context, procedure: Routine | None = None) -> Iterator[SessionToken]:
    """Give a procedure or a block a handle of its own on its caller's session.

    Args:
        ctx: the context of the statement that runs it.
        procedure: the procedure; None for an anonymous block, which has its caller's rights.

    Raises:
        SnowflakeError: 090232, if it began a transaction and left it open: that is rolled back.
    """
    session = ctx.session
    saved = session.database, session.schema, session.variables
    saved_rights = session.role, session.secondary_roles, session.has_owners_rights
    owners = procedure is not None and procedure.props.execute_as == "OWNER"
    if procedure is not None and owners:
        # an owner's-rights procedure works in its own schema, as its owner, and does not see its caller's variables
        session.database, session.schema = procedure.name.database, procedure.name.schema
        session.variables = {}
        session.role, session.secondary_roles, session.has_owners_rights = procedure.owner, (), True
    inner = ctx.services.sessions.attach(ctx.token)
    try:
        yield inner
    finally:
        ctx.services.sessions.close(inner)
        with inner.lock:
            # a stopped procedure's last statement has ended
            if owners:
                session.database, session.schema, session.variables = saved
                session.role, session.secondary_roles, session.has_owners_rights = saved_rights
            left_open = session.transaction != inner.callers_transaction and session.in_transaction
            if left_open:
                session.rollback()
    if left_open:
        text = "Scoped transaction started in stored procedure is incomplete and it was rolled back."
        raise SnowflakeError(90232, "25000", f"Stored procedure execution error: {text}")
