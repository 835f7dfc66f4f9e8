"""What the server keeps of statements that are over: bounded, the oldest go first."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, Generic, TypeVar

V = TypeVar("V")
_ANSWERS = 1000
_ANSWERS_BYTES = 512 * 1024**2


class Kept(Generic[V]):
    """The latest values by their keys, up to a number and a size; the newest is there, however large it is."""

    def __init__(self, count: int, size: int) -> None:
        """Keep at most ``count`` values of ``size`` bytes altogether."""
        self._count = count
        self._size = size
        self._held: OrderedDict[str, tuple[V, int]] = OrderedDict()
        self._total = 0
        self._lock = threading.Lock()

    def put(self, key: str, value: V, size: int) -> None:
        """Keep a value that takes ``size`` bytes; what is too much then is forgotten."""
        with self._lock:
            self._forget(key)
            self._held[key] = value, size
            self._total += size
            while len(self._held) > 1 and (len(self._held) > self._count or self._total > self._size):
                self._forget(next(iter(self._held)))

    def _forget(self, key: str) -> None:
        _, size = self._held.pop(key, (None, 0))
        self._total -= size

    def get(self, key: str) -> V | None:
        """The value of a key; None if it is not there, or not any more."""
        with self._lock:
            found = self._held.get(key)
        return found[0] if found else None


class BackgroundStatements:
    """Statements that run while their client does something else, and their answers."""

    def __init__(self) -> None:
        """Nothing runs."""
        self._running: dict[str, threading.Thread] = {}
        self._answers: Kept[dict[str, Any]] = Kept(_ANSWERS, _ANSWERS_BYTES)

    def start(self, query_id: str, work: Callable[[], dict[str, Any]]) -> None:
        """Run a statement in a thread of its own.

        Args:
            query_id: the statement's id.
            work: runs it and gives the answer; it never raises.
        """

        def run() -> None:
            answer = work()
            size = sum(len(v) for v in answer["data"].values() if isinstance(v, str))
            self._answers.put(query_id, answer, size)
            del self._running[query_id]

        thread = self._running[query_id] = threading.Thread(target=run, daemon=True)
        thread.start()

    def runs(self, query_id: str) -> bool:
        """Whether a statement has not ended yet."""
        return query_id in self._running

    def wait(self, query_id: str) -> dict[str, Any] | None:
        """The answer, as soon as there is one; None for a statement that is not known, or not any more."""
        if thread := self._running.get(query_id):
            thread.join()
        return self._answers.get(query_id)
