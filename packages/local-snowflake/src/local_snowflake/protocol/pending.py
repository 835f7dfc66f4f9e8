"""Pending statements: each request of a client is run once, and its answer is kept for a while."""

import asyncio
import threading
import uuid
from collections.abc import Callable, Sized
from concurrent.futures import Future
from typing import Generic, TypeVar

from local_snowflake.sessions.bounded_cache import BoundedCache
from local_snowflake.sessions.session import Session

_ANSWERS = 10_000
_ANSWERS_BYTES = 64 * 1024**2
# a request is remembered for longer than its answer: it is never run again
_REQUESTS = 100_000
# what a client gets; its length is its size in bytes
Answer = TypeVar("Answer", bound=Sized)
# whose statements a client may ask for: a session's, by its id, or a user's, by the name
Owner = int | str


class PendingStatement(Generic[Answer]):
    """A statement that a client sent: it waits for its session, runs, or has ended with an answer.

    One that has ended keeps its answer, but not its session, which may be closed long before.
    """

    def __init__(self, owner: Owner, user: str) -> None:
        self.query_id = str(uuid.uuid4())
        self.owner = owner
        self.user = user
        self.answer: Future[Answer] = Future()
        # nobody may cancel the future: the statement ends by itself, or is interrupted
        self.answer.set_running_or_notify_cancel()
        self._session: Session | None = None
        # whether it has ended, or never begins, because it was cancelled
        self.is_cancelled = False
        self._lock = threading.Lock()

    def begin(self, session: Session) -> bool:
        """Note that the session runs the statement now; False if it was cancelled before."""
        with self._lock:
            self._session = None if self.is_cancelled else session
            return not self.is_cancelled

    def end(self) -> None:
        """Note that the session may run another statement from now on."""
        with self._lock:
            self._session = None

    def cancel(self) -> None:
        """Interrupt the statement, or let it never begin."""
        with self._lock:
            self.is_cancelled = True
            if self._session is not None:
                self._session.interrupt()

    async def ended(self, seconds: float) -> bool:
        """Wait for the answer, for at most ``seconds``; holds no thread meanwhile."""
        if not self.answer.done():
            await asyncio.wait([asyncio.wrap_future(self.answer)], timeout=seconds)
        return self.answer.done()


class PendingStatements(Generic[Answer]):
    """All statements that clients sent lately.

    A client repeats a request that it got no answer to, eg: because its connection broke. The repetition gets the
    statement that the request has started, or its answer.
    """

    def __init__(self) -> None:
        self._running: dict[str, PendingStatement[Answer]] = {}
        self._ended: BoundedCache[PendingStatement[Answer]] = BoundedCache(_ANSWERS, _ANSWERS_BYTES)
        self._query_ids: BoundedCache[str] = BoundedCache(_REQUESTS, 0)
        self._lock = threading.Lock()

    def submit(
        self, owner: Owner, user: str, request: str, work: Callable[[PendingStatement[Answer]], Answer]
    ) -> PendingStatement[Answer] | None:
        """The statement of a request, which is started if it is new; None if the answer is not kept any more.

        ``request`` identifies the request among those of its owner; it is empty for a client that sends none. ``work``
        runs the statement and gives the answer; it never raises.
        """
        with self._lock:
            key = f"{owner}/{request}"
            if request and (query_id := self._query_ids.get(key)):
                return self.find(query_id)
            pending: PendingStatement[Answer] = PendingStatement(owner, user)
            self._running[pending.query_id] = pending
            if request:
                self._query_ids.put(key, pending.query_id, 0)
        # a thread of its own: it may wait for other statements, so that no bounded pool of threads would do
        threading.Thread(target=lambda: self.complete(pending, work(pending)), daemon=True).start()
        return pending

    def complete(self, pending: PendingStatement[Answer], answer: Answer) -> None:
        """Keep the answer of a statement that has ended: a submitted one, or one that ran as a part of one."""
        self._ended.put(pending.query_id, pending, len(answer))
        self._running.pop(pending.query_id, None)
        pending.answer.set_result(answer)

    def of_request(self, owner: Owner, request: str) -> PendingStatement[Answer] | None:
        """The statement that a request of the owner has started."""
        query_id = self._query_ids.get(f"{owner}/{request}")
        return self.find(query_id) if query_id else None

    def find(self, query_id: str) -> PendingStatement[Answer] | None:
        """A statement that runs, or whose answer is kept."""
        return self._running.get(query_id) or self._ended.get(query_id)
