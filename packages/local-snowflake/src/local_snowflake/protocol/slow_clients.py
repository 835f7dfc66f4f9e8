"""Clients that send slowly or without end, and those that guess passwords: they cost little, and nobody waits."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

from uvicorn.protocols.http.auto import AutoHTTPProtocol

HEAD_SECONDS, BODY_SECONDS = 30.0, 60.0
"""For how long a connection may be open without a whole request line and headers; the longest pause within a body."""
_HEAD_BYTES = 64 * 1024
# a wrong password's answer comes after one of these, the later the more there were of late
_DELAYS = (0.25, 0.5, 1.0, 2.0, 4.0)
_LATE = 300.0
_WAITING = 32


class PatientProtocol(AutoHTTPProtocol):  # type: ignore[misc, valid-type]
    """HTTP, which closes a connection that sends no request, half of one, or headers without end.

    uvicorn's own deadline is for the time between a request's answer and the next request alone.
    """

    _deadline: asyncio.TimerHandle | None = None
    _head = 0

    def connection_made(self, transport: Any) -> None:
        """Begin to wait for the first request."""
        super().connection_made(transport)
        self._wait()

    def data_received(self, data: bytes) -> None:
        """Read on; the deadline holds until a request's headers are whole."""
        self._wait()
        super().data_received(data)
        if self._in_request():
            self._stop()
            return
        self._head += len(data)
        if self._head > _HEAD_BYTES:
            self.transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait for nothing any more."""
        self._stop()
        super().connection_lost(exc)

    def _in_request(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _wait(self) -> None:
        if self._deadline is None and not self._in_request():
            self._deadline = asyncio.get_running_loop().call_later(HEAD_SECONDS, self.transport.close)

    def _stop(self) -> None:
        self._head = 0
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None


class WrongPasswords:
    """Slows down those who guess: one wrong password after the other is answered, each after a delay.

    Whoever knows the password never waits, unless so many guess at once that nothing is checked any more.
    """

    def __init__(
        self,
        sleep: Callable[[float], Awaitable[Any]] = asyncio.sleep,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._sleep = sleep
        self._now = now
        self._turn = asyncio.Lock()
        self._waiting = 0
        self._failures = 0
        self._last = 0.0

    @property
    def too_many(self) -> bool:
        """Whether so many wrong passwords wait for their answers that no other one is looked at."""
        return self._waiting >= _WAITING

    async def delay(self) -> None:
        """Wait before a wrong password is answered."""
        self._waiting += 1
        try:
            async with self._turn:
                now = self._now()
                self._failures = 1 if now - self._last > _LATE else self._failures + 1
                self._last = now
                await self._sleep(_DELAYS[min(self._failures, len(_DELAYS)) - 1])
        finally:
            self._waiting -= 1
