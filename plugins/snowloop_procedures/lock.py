"""Lets scoring runs, requeues and recoveries take turns, each in a transaction that sees what those before it wrote."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from snowflake.snowpark import Session

TRIES = 100


def take(session: "Session", texts: dict[str, str], holder: str) -> None:
    """Begin a transaction in which no one else has a turn, nor had one since it began.

    All who take turns update one row with a name of their own, so the second waits for the first. But a transaction may
    see a stream as it was when it began: who waited finds another holder than before, and begins anew.

    Args:
        session: A session in no transaction.
        texts: The statements ``holder`` and ``take``; ``take`` has the places <<holder>> and <<before>>.
        holder: A name that no other turn has.

    Raises:
        RuntimeError: if the row is not there, or others were first each time; no transaction is open.
    """
    for _ in range(TRIES):
        rows = session.sql(texts["holder"]).collect()
        if not rows:
            message = f"{texts['holder']} gives no row: insert one, INSERT INTO … SELECT 'nobody', and try again"
            raise RuntimeError(message)
        text = texts["take"].replace("<<holder>>", holder).replace("<<before>>", str(rows[0][0]))
        session.sql("BEGIN").collect()
        try:
            taken = int(session.sql(text).collect()[0][0])
        except BaseException:
            session.sql("ROLLBACK").collect()
            raise
        if taken:
            return
        session.sql("ROLLBACK").collect()
    message = f"others scored each of the {TRIES} times that this was to begin: try again when less is going on"
    raise RuntimeError(message)
