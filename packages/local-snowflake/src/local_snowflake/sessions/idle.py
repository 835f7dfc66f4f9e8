"""Clients that disappeared: what they have left open is ended after a while.

Source: https://docs.snowflake.com/en/sql-reference/transactions#aborting-transactions,
https://docs.snowflake.com/en/user-guide/session-policies
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass

from local_snowflake.sessions.locks import LockTable
from local_snowflake.sessions.registry import SessionRegistry, aborted
from local_snowflake.sessions.session import Session
from local_snowflake.sessions.token import SessionToken, all_locked

logger = logging.getLogger(__name__)
_End = Callable[[Session, list[SessionToken], float], None]


@dataclass(frozen=True)
class IdleLimits:
    """For how many seconds a client may be idle: it sends nothing, and no statement of it runs.

    Attributes:
        transaction: before a transaction that others wait for is rolled back.
        session: before the session ends.
    """

    transaction: float = 300.0
    session: float = 4 * 3600.0


class IdleSessions:
    """Ends what idle clients have left open."""

    def __init__(self, sessions: SessionRegistry, locks: LockTable, limits: IdleLimits) -> None:
        self._sessions = sessions
        self._locks = locks
        self._limits = limits

    def end_idle(self) -> None:
        """Roll back and end what has been idle for too long."""
        blocking = self._locks.blocking()
        for session, tokens in self._sessions.by_session().items():
            if session.transaction in blocking:
                self._end(session, tokens, self._limits.transaction, self._roll_back)
            self._end(session, tokens, self._limits.session, self._expire)

    def _end(self, session: Session, tokens: list[SessionToken], limit: float, end: _End) -> None:
        if min(t.idle_seconds for t in tokens) <= limit:
            return
        with all_locked(tokens) as locked:
            # a request may have come meanwhile
            idle = min(t.idle_seconds for t in tokens)
            if locked and idle > limit:
                end(session, tokens, idle)

    def _roll_back(self, session: Session, tokens: list[SessionToken], idle: float) -> None:
        logger.warning("transaction %s is rolled back: idle for %.0f s, and others wait", session.transaction, idle)
        why = f"it was idle for {idle:.0f} seconds while others waited for its locks"
        session.abort(aborted(session.transaction, why))

    def _expire(self, session: Session, tokens: list[SessionToken], idle: float) -> None:
        logger.info("session %s ends: its client was idle for %.0f s", session.id, idle)
        for token in tokens:
            self._sessions.close(token, is_locked=True)
