"""Table locks: writers of one table queue until the transaction that holds it ends."""

import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import count
from typing import NamedTuple

from local_snowflake.errors import SnowflakeError

_Stopped = Callable[[], SnowflakeError | None]
_transactions = count(int(time.time() * 1000))


def new_transaction() -> int:
    """A number for a transaction, by which it holds its locks; like Snowflake's it begins as the milliseconds."""
    return next(_transactions)


class Resource(NamedTuple):
    """What can be locked: a name, and what of it."""

    name: str
    type: str = "PARTITIONS"


@dataclass
class Claim:
    """A lock that a transaction has, or waits for."""

    alone: bool
    query_id: str | None = None
    since: datetime = field(default_factory=lambda: datetime.now(UTC))


class LockTable:
    """Locks, exclusive or shared, re-entrant for their owner.

    Source: https://docs.snowflake.com/en/sql-reference/transactions#resource-locking
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._holders: dict[Resource, dict[int, Claim]] = {}
        self._owned: dict[int, set[Resource]] = {}
        self._waits: dict[int, tuple[Resource, Claim]] = {}

    def acquire(
        self,
        owner: int,
        resources: Iterable[Resource],
        timeout: float,
        *,
        shared: bool = False,
        query_id: str | None = None,
        stopped: _Stopped = lambda: None,
    ) -> list[Resource]:
        """Lock resources for a transaction, in a fixed order, waiting for each for ``timeout`` seconds at most.

        ``stopped``, why the waiting has to end, is looked at every second, and at each ``wake()``. Returns those that
        the owner did not hold before. Raises 000625 after the time-out or at a deadlock; the error of ``stopped``.
        """
        gained: list[Resource] = []
        with self._changed:
            for resource in sorted(set(resources)):
                held = self._holders.get(resource, {}).get(owner)
                if held and (held.alone or shared):
                    continue
                claim = Claim(not shared, query_id)
                self._wait_for(owner, resource, claim, time.monotonic() + timeout, stopped)
                self._holders.setdefault(resource, {})[owner] = replace(claim, since=datetime.now(UTC))
                self._owned.setdefault(owner, set()).add(resource)
                gained.append(resource)
        return gained

    def _wait_for(self, owner: int, resource: Resource, claim: Claim, deadline: float, stopped: _Stopped) -> None:
        try:
            while self._ahead(owner, resource, claim):
                if error := stopped():
                    raise error
                if self._deadlocked(owner, resource, claim):
                    raise _aborted(resource, "a deadlock with another transaction was found")
                remaining = deadline - time.monotonic()
                if remaining <= 0:
                    raise _aborted(resource, "the number of seconds of LOCK_TIMEOUT passed")
                self._waits[owner] = resource, claim
                self._changed.wait(min(remaining, 1.0))
        finally:
            if self._waits.pop(owner, None) is not None:
                # those who waited behind this one may go on
                self._changed.notify_all()

    def _ahead(self, owner: int, resource: Resource, claim: Claim) -> list[int]:
        """Who keeps a resource from an owner: those who hold it, and those who have waited to have it alone.

        Without the latter many who share a resource would keep it from them for ever. An owner that holds something
        passes them by: somebody may wait for that, and would never get it.
        """
        ahead = self._against(owner, resource, claim)
        if not claim.alone and owner not in self._owned:
            ahead += [
                other
                for other, (awaited, waiting) in self._waits.items()
                if other != owner and awaited == resource and waiting.alone and waiting.since < claim.since
            ]
        return ahead

    def _against(self, owner: int, resource: Resource, claim: Claim) -> list[int]:
        holders = self._holders.get(resource, {})
        return [other for other, held in holders.items() if other != owner and (held.alone or claim.alone)]

    def _deadlocked(self, owner: int, resource: Resource, claim: Claim) -> bool:
        """Whether somebody who holds the resource waits, directly or through others, for the owner."""
        seen: set[int] = set()
        ahead = self._against(owner, resource, claim)
        while ahead:
            holder = ahead.pop()
            if holder in seen or holder not in self._waits:
                continue
            seen.add(holder)
            waited_for = self._against(holder, *self._waits[holder])
            if owner in waited_for:
                return True
            ahead.extend(waited_for)
        return False

    def wake(self) -> None:
        """Let all who wait look whether they have to stop."""
        with self._changed:
            self._changed.notify_all()

    def release(self, owner: int) -> None:
        """Unlock everything that an owner holds."""
        with self._changed:
            for resource in self._owned.pop(owner, ()):
                del self._holders[resource][owner]
                if not self._holders[resource]:
                    del self._holders[resource]
            self._changed.notify_all()

    def blocking(self) -> set[int]:
        """The owners of locks that others wait for."""
        with self._changed:
            return {h for owner, awaited in self._waits.items() for h in self._against(owner, *awaited)}

    def claims(self) -> list[tuple[int, Resource, Claim, bool]]:
        """Every lock: the owner, what it locks, how and since when, and whether it has it or waits for it."""
        with self._changed:
            held = [(o, r, c, True) for r, holders in self._holders.items() for o, c in holders.items()]
            return held + [(o, r, c, False) for o, (r, c) in self._waits.items()]


def _aborted(resource: Resource, why: str) -> SnowflakeError:
    text = f"Statement was aborted because {why} while waiting for the lock of {resource.name}. Roll back and retry."
    return SnowflakeError(625, "57014", text)
