"""Table locks: writers of one table queue until the transaction that holds it ends."""

from __future__ import annotations

import threading
import time
from collections.abc import Hashable, Iterable

from local_snowflake.errors import SnowflakeError, canceled


class LockTable:
    """Locks by name, exclusive or shared, re-entrant for their owner.

    Source: https://docs.snowflake.com/en/sql-reference/transactions#resource-locking
    """

    def __init__(self) -> None:
        """Nothing is locked."""
        self._changed = threading.Condition()
        # who holds a resource, and whether for itself alone
        self._holders: dict[str, dict[Hashable, bool]] = {}
        self._waits: dict[Hashable, str] = {}
        self._interrupted: set[Hashable] = set()

    def acquire(self, owner: Hashable, resources: Iterable[str], timeout: float, *, shared: bool = False) -> list[str]:
        """Lock resources for an owner, waiting while another holds them.

        Args:
            owner: the transaction.
            resources: names, locked in a fixed order.
            timeout: seconds to wait for each, Snowflake's LOCK_TIMEOUT.
            shared: whether others may share them.

        Returns:
            Those that were not held by the owner before.

        Raises:
            SnowflakeError: 000625 after the time-out or when waiting would never end (a deadlock); 000604 after
                an interrupt.
        """
        gained: list[str] = []
        with self._changed:
            for resource in sorted(set(resources)):
                held = self._holders.get(resource, {}).get(owner)
                if held or (shared and held is not None):
                    continue
                self._wait_for(owner, resource, time.monotonic() + timeout, shared=shared)
                self._holders.setdefault(resource, {})[owner] = not shared
                gained.append(resource)
        return gained

    def _wait_for(self, owner: Hashable, resource: str, deadline: float, *, shared: bool) -> None:
        while self._others(owner, resource, shared=shared):
            if self._deadlocked(owner, resource):
                raise _aborted(resource, "a deadlock with another transaction was found")
            remaining = deadline - time.monotonic()
            if remaining <= 0:
                raise _aborted(resource, "the number of seconds of LOCK_TIMEOUT passed")
            self._waits[owner] = resource
            try:
                self._changed.wait(min(remaining, 1.0))
            finally:
                self._waits.pop(owner, None)
            if owner in self._interrupted:
                self._interrupted.discard(owner)
                raise canceled()

    def _others(self, owner: Hashable, resource: str, *, shared: bool = False) -> list[Hashable]:
        """Who keeps a resource from an owner."""
        holders = self._holders.get(resource, {})
        return [other for other, alone in holders.items() if other != owner and (alone or not shared)]

    def interrupt(self, owner: Hashable) -> None:
        """End an owner's waiting, if it waits: it is told that its statement was cancelled."""
        with self._changed:
            if owner in self._waits:
                self._interrupted.add(owner)
                self._changed.notify_all()

    def _deadlocked(self, owner: Hashable, resource: str) -> bool:
        """Whether somebody who holds the resource waits, directly or through others, for the owner."""
        seen: set[Hashable] = set()
        ahead = self._others(owner, resource)
        while ahead:
            holder = ahead.pop()
            if holder in seen:
                continue
            seen.add(holder)
            wanted = self._waits.get(holder)
            if wanted is None:
                continue
            if owner in self._holders.get(wanted, {}):
                return True
            ahead.extend(self._others(holder, wanted))
        return False

    def release(self, owner: Hashable) -> None:
        """Unlock everything that an owner holds."""
        with self._changed:
            for resource in [r for r, holders in self._holders.items() if owner in holders]:
                del self._holders[resource][owner]
                if not self._holders[resource]:
                    del self._holders[resource]
            self._changed.notify_all()


def _aborted(resource: str, why: str) -> SnowflakeError:
    return SnowflakeError(
        625,
        "57014",
        f"Statement was aborted because {why} while waiting for the lock of {resource}. Roll back and retry.",
    )
