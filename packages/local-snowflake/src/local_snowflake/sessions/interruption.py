"""The statement that runs in a session, and how it is stopped."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import duckdb

from local_snowflake.errors import SnowflakeError, canceled, timed_out
from local_snowflake.sessions.locks import LockTable


class Interruptible:
    """Runs statements that can be stopped from another thread, wherever they are."""

    def __init__(self, duck: duckdb.DuckDBPyConnection, locks: LockTable) -> None:
        self.duck = duck
        self.locks = locks
        self.parameters: dict[str, Any] = {}
        # what an interrupt has to stop, apart from DuckDB and waiting for locks
        self.on_interrupt: list[Callable[[], None]] = []
        # why the running statement is being stopped
        self.interruption: SnowflakeError | None = None
        self._depth = 0

    def interrupt(self, reason: SnowflakeError | None = None) -> None:
        """Stop the statement that runs, from another thread: it ends with ``reason``, by default its cancellation."""
        self.interruption = reason or canceled()
        self.duck.interrupt()
        self.locks.wake()
        for stop in list(self.on_interrupt):
            stop()

    @contextmanager
    def running(self) -> Iterator[None]:
        """Around a statement: it ends with the interruption's error, and at STATEMENT_TIMEOUT_IN_SECONDS if set.

        Statements of procedures run inside the one that called them.
        """
        if self._depth == 0:
            self.interruption = None
        seconds = float(self.parameters.get("STATEMENT_TIMEOUT_IN_SECONDS", 0))
        timer = threading.Timer(seconds, self.interrupt, [timed_out(seconds)]) if seconds else None
        if timer:
            timer.daemon = True
            timer.start()
        self._depth += 1
        try:
            yield
        except (SnowflakeError, duckdb.Error):
            if self.interruption is not None:
                raise self.interruption from None
            raise
        finally:
            self._depth -= 1
            if timer:
                timer.cancel()
