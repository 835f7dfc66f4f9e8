"""Locks, of one row each: by the scoring lock, runs, requeues and recoveries exclude each other."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from snowflake.snowpark import Session

    from snowloop_procedures.scoring_request import LockStatements

ATTEMPTS = 100


def acquire(session: "Session", lock: "LockStatements", owner: str, name: str = "scoring lock") -> None:
    """Begin a transaction that owns a lock until it ends.

    Each owner updates one row with a name of its own, so a second one waits for the first. But a transaction may see a
    stream as it was when the transaction began. So one that had to wait finds another owner than it read before, and
    starts again, in a transaction that sees what the other one wrote.

    Args:
        session: A session in no transaction.
        lock: How the lock is read and acquired.
        owner: A name that no other owner has.
        name: What the lock is called in errors.

    Raises:
        RuntimeError: if the lock's row is missing, or others were faster each time; no transaction is open.
    """
    for _ in range(ATTEMPTS):
        rows = lock.owner.execute(session)
        if not rows:
            message = (
                f"the {name} has no row: `{lock.owner.text}` returned nothing; insert one "
                "(INSERT INTO … SELECT 'nobody') and try again"
            )
            raise RuntimeError(message)
        session.sql("BEGIN").collect()
        try:
            updated = lock.acquire.count(session, owner=owner, previous_owner=str(rows[0][0]))
        except BaseException:
            session.sql("ROLLBACK").collect()
            raise
        if updated:
            return
        session.sql("ROLLBACK").collect()
    message = (
        f"could not acquire the {name} after {ATTEMPTS} attempts, because other runs acquired it each time: "
        "try again when fewer runs are under way"
    )
    raise RuntimeError(message)
