"""A cache that is bounded in the number of its values and in their size."""

import threading
from collections.abc import Hashable
from typing import Generic, TypeVar

from cachetools import LRUCache

V = TypeVar("V")


class BoundedCache(Generic[V]):
    """The latest values by their keys, for many threads; the newest value is there, however large it is."""

    def __init__(self, count: int, size: int) -> None:
        """Keep at most ``count`` values of ``size`` bytes altogether."""
        self._count = count
        self._values: LRUCache[Hashable, tuple[V, int]] = LRUCache(size, getsizeof=lambda entry: entry[1])
        self._lock = threading.Lock()

    def put(self, key: Hashable, value: V, size: int) -> None:
        """Keep a value that takes ``size`` bytes; the values that were not used for longest make room for it."""
        with self._lock:
            self._values[key] = value, min(size, int(self._values.maxsize))
            while len(self._values) > self._count:
                self._values.popitem()

    def get(self, key: Hashable) -> V | None:
        """The value of a key; None if it is not there, or not any more."""
        with self._lock:
            entry = self._values.get(key)
        return entry[0] if entry else None
