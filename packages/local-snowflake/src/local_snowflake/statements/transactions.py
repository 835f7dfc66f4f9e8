"""BEGIN, COMMIT and ROLLBACK; SHOW LOCKS, SHOW TRANSACTIONS and SYSTEM$ABORT_TRANSACTION."""

import pyarrow as pa

from local_snowflake import streams
from local_snowflake.errors import SnowflakeError, compilation_error, not_supported
from local_snowflake.execution.context import Context
from local_snowflake.execution.registry import statement, system_function
from local_snowflake.execution.results import TIME, Result, rows, status
from local_snowflake.scripting.blocks import run_anonymous
from local_snowflake.scripting.reading import is_block
from local_snowflake.sessions.session import Session
from local_snowflake.sql.statement import Reader, Statement, skip_head


@statement("BEGIN")
@statement("START", "TRANSACTION")
def begin(ctx: Context, stmt: Statement) -> Result:
    """BEGIN [TRANSACTION | WORK], or a block: https://docs.snowflake.com/en/sql-reference/sql/begin."""
    if is_block(stmt.sql):
        return run_anonymous(ctx, stmt.sql)
    reader = stmt.reader
    reader.next()
    reader.accept_any("TRANSACTION", "WORK")
    if reader.accept("NAME"):
        reader.identifier()
    reader.finish()
    if _is_callers(ctx):
        raise not_supported("BEGIN in a procedure that was called inside a transaction: an autonomous transaction")
    ctx.session.begin()
    streams.mark_start(ctx.session)
    return status()


@statement("COMMIT")
@statement("ROLLBACK")
def end(ctx: Context, stmt: Statement) -> Result:
    """COMMIT | ROLLBACK [WORK]; a procedure may not end its caller's transaction.

    Source: https://docs.snowflake.com/en/sql-reference/transactions#scoped-transactions
    """
    if _is_callers(ctx):
        text = "Modifying a transaction that has started at a different scope is not allowed."
        raise SnowflakeError(90231, "25000", f"Stored procedure execution error: {text}")
    if stmt.verb == "COMMIT":
        ctx.session.commit()
    else:
        ctx.session.rollback()
    return status()


def _is_callers(ctx: Context) -> bool:
    """Whether the open transaction is that of a procedure's caller."""
    return ctx.session.in_transaction and ctx.session.transaction == ctx.token.callers_transaction


def _read_account(reader: Reader) -> None:
    """Read IN ACCOUNT: there is one user, so that it means the same without."""
    reader.accept("IN", "ACCOUNT")
    reader.finish()


@statement("SHOW", "LOCKS")
def show_locks(ctx: Context, stmt: Statement) -> Result:
    """SHOW LOCKS [IN ACCOUNT]: https://docs.snowflake.com/en/sql-reference/sql/show-locks."""
    _read_account(skip_head(stmt))
    owners: dict[int | None, Session] = {}
    for session in ctx.services.sessions.by_session():
        owners |= {session.transaction: session, session.changing: session}
    records = []
    for owner, resource, claim, held in sorted(ctx.session.locks.claims(), key=lambda c: (c[1], c[2].since)):
        by = owners.get(owner)
        started = by.transaction_started if by and by.transaction == owner else claim.since
        state, acquired = ("HOLDING", claim.since) if held else ("WAITING", None)
        records.append((*resource, owner, started, state, acquired, claim.query_id, by.id if by else None))
    columns = {"resource": None, "type": None, "transaction": pa.int64(), "transaction_started_on": TIME}
    columns |= {"status": None, "acquired_on": TIME, "query_id": None, "session": pa.int64()}
    return rows([dict(zip(columns, record, strict=True)) for record in records], columns)


@statement("SHOW", "TRANSACTIONS")
def show_transactions(ctx: Context, stmt: Statement) -> Result:
    """SHOW TRANSACTIONS [IN ACCOUNT]: https://docs.snowflake.com/en/sql-reference/sql/show-transactions."""
    _read_account(skip_head(stmt))
    records = [
        (number, s.user.upper(), s.id, str(number), s.transaction_started, "running", 0)
        for s in ctx.services.sessions.by_session()
        if (number := s.transaction) is not None
    ]
    columns = {"id": pa.int64(), "user": None, "session": pa.int64(), "name": None, "started_on": TIME, "state": None}
    columns |= {"scope": pa.int64()}
    shown = [dict(zip(columns, record, strict=True)) for record in sorted(records, key=lambda r: str(r[0]))]
    return rows(shown, columns)


@system_function("SYSTEM$ABORT_TRANSACTION", effective="VARCHAR")
def abort_transaction(ctx: Context, transaction: int | str) -> str:
    """SYSTEM$ABORT_TRANSACTION(id): roll back the transaction of another session.

    Raises 001003 for what is no number or this session's own; 000603 if no such transaction is open.

    Source: https://docs.snowflake.com/en/sql-reference/functions/system_abort_transaction
    """
    if not str(transaction).isdecimal():
        raise compilation_error(f"invalid transaction id [{transaction}]: SHOW TRANSACTIONS lists them.")
    number = int(transaction)
    if number == ctx.session.transaction:
        raise compilation_error(f"transaction {number} is that of this session: end it with ROLLBACK.")
    if not ctx.services.sessions.abort(number):
        text = f"Transaction {number} is not open: it was committed or rolled back, or never was."
        raise SnowflakeError(603, "02000", f"{text} SHOW TRANSACTIONS lists the open ones.")
    return f"Aborted transaction id: {number}"
