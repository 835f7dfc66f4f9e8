"""The token by which a client works in a session."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager

from local_snowflake.sessions.session import Session


class SessionToken:
    """A client's access to a session. A procedure gets a token of its own for its caller's session.

    Statements under one token run one at a time; the caller's token is busy with the CALL while the procedure's runs.
    """

    def __init__(self, session: Session, *, parent: SessionToken | None = None) -> None:
        self.value = secrets.token_urlsafe(32)
        self.session = session
        self.parent = parent
        # the transaction that a procedure was called in: it belongs to the caller
        self.callers_transaction = session.transaction if parent else None
        # the address under which the client reaches the server, for the URLs that it gets
        self.base_url = ""
        self.lock = threading.Lock()
        self._used = time.monotonic()

    def touch(self) -> None:
        """Note that the client sent a request, or has got an answer."""
        self._used = time.monotonic()

    @property
    def idle_seconds(self) -> float:
        """For how long there was neither a request nor the end of one."""
        return time.monotonic() - self._used


@contextmanager
def all_locked(tokens: Sequence[SessionToken]) -> Iterator[bool]:
    """Lock tokens so that no statement begins under them; yields False if a statement runs under one already."""
    with ExitStack() as held:
        yield all(t.lock.acquire(blocking=False) and held.callback(t.lock.release) for t in tokens)
