"""The sessions that are open, and how they are opened, found, aborted and closed."""

import logging
import time
from collections.abc import Callable
from contextlib import nullcontext

from local_snowflake.catalog.catalog import Catalog
from local_snowflake.errors import SnowflakeError
from local_snowflake.sessions.session import Session
from local_snowflake.sessions.token import SessionToken, all_locked
from local_snowflake.sql.names import Name

logger = logging.getLogger(__name__)
_ABORT_SECONDS = 30.0


class SessionRegistry:
    """The account's open sessions, by their tokens."""

    def __init__(self, catalog: Catalog, new_session: Callable[[str], Session]) -> None:
        self._catalog = catalog
        self._new_session = new_session
        self._tokens: dict[str, SessionToken] = {}

    def open(self, user: str, database: str | None = None, schema: str | None = None) -> SessionToken:
        """Start a session; a database or schema that is not there is not made current, as in Snowflake.

        Without a schema none is current, also where the database has PUBLIC: names are found in it, and Snowpark's
        ``get_current_schema`` says None, as its own tests expect.
        """
        session = self._new_session(user)
        if database and self._catalog.get("DATABASE", Name("", "", database)):
            session.database = database
            is_there = schema and self._catalog.get("SCHEMA", Name(database, "", schema))
            session.schema = schema if is_there else None
        return self._add(SessionToken(session))

    def attach(self, parent: SessionToken) -> SessionToken:
        """A token for a procedure: it works in its caller's session and transaction."""
        return self._add(SessionToken(parent.session, parent=parent))

    def _add(self, token: SessionToken) -> SessionToken:
        self._tokens[token.value] = token
        return token

    def find(self, value: str) -> SessionToken | None:
        """The token with a value; None if its session has ended."""
        return self._tokens.get(value)

    def tokens(self) -> list[SessionToken]:
        """The tokens of all open sessions, those of procedures among them."""
        return list(self._tokens.values())

    def by_session(self) -> dict[Session, list[SessionToken]]:
        """The open sessions, each with its client's token and those of its procedures."""
        sessions: dict[Session, list[SessionToken]] = {}
        for token in self.tokens():
            sessions.setdefault(token.session, []).append(token)
        return sessions

    def close(self, token: SessionToken, *, is_locked: bool = False) -> None:
        """End a session once no statement runs in it, which is so if the caller holds the token's lock.

        The token of a procedure is only detached from its caller's session.
        """
        self._tokens.pop(token.value, None)
        if token.parent is None:
            with nullcontext() if is_locked else token.lock:
                token.session.close()

    def close_all(self, seconds: float) -> None:
        """Stop what runs and end all sessions; what cannot be stopped in time is left: it was not committed."""
        deadline = time.monotonic() + seconds
        while left := self.tokens():
            for token in left:
                if not token.lock.acquire(timeout=0.05):
                    # repeated: a statement may begin between two interrupts
                    token.session.interrupt()
                    continue
                try:
                    self.close(token, is_locked=True)
                finally:
                    token.lock.release()
            if time.monotonic() > deadline:
                logger.warning("%d sessions did not end in %.0f s", len(self._tokens), seconds)
                return

    def abort(self, transaction: int) -> bool:
        """Roll back another session's transaction, whatever runs in it; returns whether one of the number was open.

        Raises 000603 if the statement that runs in it does not end.
        """
        deadline = time.monotonic() + _ABORT_SECONDS
        while time.monotonic() < deadline:
            owners = [(s, t) for s, t in self.by_session().items() if s.transaction == transaction]
            if not owners:
                return False
            session, tokens = owners[0]
            with all_locked(tokens) as locked:
                if locked and session.transaction == transaction:
                    session.abort(aborted(transaction, "SYSTEM$ABORT_TRANSACTION was called for it"))
                    return True
            session.interrupt()
            time.sleep(0.1)
        text = f"The statement that runs in transaction {transaction} could not be stopped in {_ABORT_SECONDS:.0f} s."
        raise SnowflakeError(603, "XX000", f"{text} Try again.")


def aborted(transaction: int | None, why: str) -> SnowflakeError:
    """The error that the next statement of a session gets whose transaction was rolled back for others."""
    text = f"Transaction {transaction} was aborted and rolled back: {why}. Begin it again."
    return SnowflakeError(625, "57014", text)
