"""Values that are kept for a while: bounded, the oldest go first."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import Generic, TypeVar

V = TypeVar("V")


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
