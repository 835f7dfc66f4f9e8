"""A client's way into a session."""

from __future__ import annotations

import secrets
import threading
import time

from local_snowflake.sessions.session import Session


class Handle:
    """A token's way into a session. A procedure gets a handle of its own on its caller's session.

    Statements of one handle run one at a time; the caller's handle is busy with the CALL while the procedure's runs.
    """

    def __init__(self, session: Session, *, parent: Handle | None = None) -> None:
        """Make a token for ``session``; ``parent`` is the caller's handle for a procedure."""
        self.token = secrets.token_urlsafe(32)
        self.session = session
        self.parent = parent
        # the transaction that a procedure was called in: it belongs to the caller
        self.callers_transaction = session.transaction if parent else None
        # the address under which the client reaches the server, for the URLs that it is given
        self.base_url = ""
        self.lock = threading.Lock()
        self._used = time.monotonic()

    def touch(self) -> None:
        """Note that the client was heard of, or has got an answer."""
        self._used = time.monotonic()

    @property
    def unheard_seconds(self) -> float:
        """For how long there was neither a request nor the end of one."""
        return time.monotonic() - self._used
