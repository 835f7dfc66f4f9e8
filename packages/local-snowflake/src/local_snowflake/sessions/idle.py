"""Clients that are gone without a word: what they have left open is ended after a while.

Source: https://docs.snowflake.com/en/sql-reference/transactions#aborting-transactions,
https://docs.snowflake.com/en/user-guide/session-policies
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from local_snowflake.errors import SnowflakeError
from local_snowflake.sessions.handle import Handle
from local_snowflake.sessions.locks import LockTable
from local_snowflake.sessions.session import Session

logger = logging.getLogger(__name__)
_PERIOD_SECONDS = 1.0
_ABORT_SECONDS = 30.0


@dataclass(frozen=True)
class IdleLimits:
    """For how many seconds nothing may be heard of a client, while no statement of it runs.

    Attributes:
        transaction: before a transaction that others wait for is rolled back.
        session: before the session ends.
    """

    transaction: float = 300.0
    session: float = 4 * 3600.0


class IdleSessions:
    """A thread that looks after the sessions."""

    def __init__(
        self,
        locks: LockTable,
        handles: Callable[[], list[Handle]],
        close: Callable[[Handle], None],
        limits: IdleLimits,
    ) -> None:
        """Be ready to start.

        Args:
            locks: tells who keeps whom waiting.
            handles: gives the handles of all sessions.
            close: ends the session of a handle whose lock is held.
            limits: how long is too long.
        """
        self._locks = locks
        self._handles = handles
        self._close = close
        self._limits = limits
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="idle sessions", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End, waiting for a look under way."""
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        while not self._stopped.wait(_PERIOD_SECONDS):
            try:
                self.look()
            except Exception:
                # without this thread the locks of dead clients would be held for ever
                logger.exception("the idle sessions could not be looked after; that is tried again")

    def look(self) -> None:
        """Roll back and end what has been idle for too long."""
        blocking = self._locks.blocking()
        for session, handles in self.by_session().items():
            if session.transaction in blocking:
                self._end(session, handles, self._limits.transaction, self._roll_back)
            self._end(session, handles, self._limits.session, self._expire)

    def by_session(self) -> dict[Session, list[Handle]]:
        """The sessions, each with its client's handle and those of its procedures."""
        found: dict[Session, list[Handle]] = {}
        for handle in self._handles():
            found.setdefault(handle.session, []).append(handle)
        return found

    def _end(
        self,
        session: Session,
        handles: list[Handle],
        limit: float,
        end: Callable[[Session, list[Handle], float], None],
    ) -> None:
        if min(h.unheard_seconds for h in handles) <= limit:
            return
        with _resting(handles) as resting:
            # a request may have come meanwhile
            idle = min(h.unheard_seconds for h in handles)
            if resting and idle > limit:
                end(session, handles, idle)

    def _roll_back(self, session: Session, handles: list[Handle], idle: float) -> None:
        logger.warning("transaction %s is rolled back: idle for %.0f s, and others wait", session.transaction, idle)
        why = f"it was idle for {idle:.0f} seconds while others waited for its locks"
        session.abort(_aborted(session.transaction, why))

    def _expire(self, session: Session, handles: list[Handle], idle: float) -> None:
        logger.info("session %s ends: nothing was heard of its client for %.0f s", session.id, idle)
        for handle in handles:
            self._close(handle)

    def abort(self, transaction: int) -> bool:
        """Roll a transaction back for somebody else, whatever runs in it; says whether it is one that is open.

        Raises:
            SnowflakeError: 000603, if the statement that runs in it does not end.
        """
        deadline = time.monotonic() + _ABORT_SECONDS
        while time.monotonic() < deadline:
            found = [(s, h) for s, h in self.by_session().items() if s.transaction == transaction]
            if not found:
                return False
            session, handles = found[0]
            with _resting(handles) as resting:
                if resting and session.transaction == transaction:
                    session.abort(_aborted(transaction, "SYSTEM$ABORT_TRANSACTION was called for it"))
                    return True
            session.interrupt()
            time.sleep(0.1)
        text = f"The statement that runs in transaction {transaction} could not be stopped in {_ABORT_SECONDS:.0f} s."
        raise SnowflakeError(603, "XX000", f"{text} Try again.")


@contextmanager
def _resting(handles: list[Handle]) -> Iterator[bool]:
    """Keep statements from beginning, if none runs in any of the handles; tells whether that is so."""
    taken = []
    try:
        for handle in handles:
            if not handle.lock.acquire(blocking=False):
                break
            taken.append(handle)
        yield len(taken) == len(handles)
    finally:
        for handle in taken:
            handle.lock.release()


def _aborted(transaction: int | None, why: str) -> SnowflakeError:
    text = f"Transaction {transaction} was aborted and rolled back: {why}. Begin it again."
    return SnowflakeError(625, "57014", text)
