"""The table of locks, and a session's writes that are tried again."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import duckdb
import pyarrow as pa
import pytest

from local_snowflake.errors import SnowflakeError, canceled
from local_snowflake.sessions.locks import LockTable, Resource
from local_snowflake.sessions.session import Session

TABLE, OTHER = Resource("T"), Resource("O")
PATIENCE = 60.0


class Waiter(threading.Thread):
    """An owner that locks the table in a thread."""

    def __init__(self, locks: LockTable, owner: int, resource: Resource = TABLE, *, shared: bool = False) -> None:
        super().__init__(daemon=True)
        self.error: SnowflakeError | None = None
        self._locks, self._owner, self._resource, self._shared = locks, owner, resource, shared
        self.stop = False
        self.start()

    def run(self) -> None:
        try:
            self._locks.acquire(
                self._owner,
                [self._resource],
                PATIENCE,
                shared=self._shared,
                stopped=lambda: canceled() if self.stop else None,
            )
        except SnowflakeError as error:
            self.error = error

    def waits(self) -> bool:
        """Whether it waits, now or soon."""
        until = time.monotonic() + PATIENCE
        while self.is_alive() and time.monotonic() < until:
            if any(owner == self._owner and not held for owner, _, _, held in self._locks.claims()):
                return True
            time.sleep(0.01)
        return False

    def end(self) -> SnowflakeError | None:
        self.join(PATIENCE)
        assert not self.is_alive()
        return self.error


def test_who_shares_a_lock_does_not_overtake_who_waits_to_have_it_alone() -> None:
    locks = LockTable()
    locks.acquire(1, [TABLE], 1, shared=True)
    alone = Waiter(locks, 2)
    assert alone.waits()
    late = Waiter(locks, 3, shared=True)
    assert late.waits()
    assert locks.blocking() == {1}
    locks.release(1)
    assert alone.end() is None
    assert late.is_alive()
    locks.release(2)
    assert late.end() is None


def test_who_holds_something_overtakes_lest_nobody_goes_on() -> None:
    """2 waits for 1, and 1 for what 3 holds: 3 must not wait for 2."""
    locks = LockTable()
    locks.acquire(1, [TABLE], 1, shared=True)
    locks.acquire(3, [OTHER], 1)
    alone, first = Waiter(locks, 2), Waiter(locks, 1, OTHER)
    assert alone.waits()
    assert first.waits()
    assert locks.acquire(3, [TABLE], PATIENCE, shared=True) == [TABLE]
    locks.release(3)
    assert first.end() is None
    locks.release(1)
    assert alone.end() is None


def test_two_that_wait_for_each_other_are_found() -> None:
    locks = LockTable()
    locks.acquire(1, [TABLE], 1)
    locks.acquire(2, [OTHER], 1)
    waiter = Waiter(locks, 1, OTHER)
    assert waiter.waits()
    with pytest.raises(SnowflakeError, match="deadlock"):
        locks.acquire(2, [TABLE], PATIENCE)
    locks.release(2)
    assert waiter.end() is None


def test_who_waits_can_be_stopped() -> None:
    locks = LockTable()
    locks.acquire(1, [TABLE], 1)
    waiter = Waiter(locks, 2)
    assert waiter.waits()
    waiter.stop = True
    locks.wake()
    error = waiter.end()
    assert error is not None
    assert error.code == 604
    assert [owner for owner, *_ in locks.claims()] == [1]


@contextmanager
def session() -> Iterator[Session]:
    with duckdb.connect() as duck:
        yield Session(duck, LockTable(), "SOMEBODY")


@pytest.mark.parametrize(
    "text",
    [
        "TransactionContext Error: Conflict on update!",
        "Attempting to modify table T but another transaction has altered this table",
    ],
)
def test_a_write_that_is_tried_again_finds_its_rows(text: str) -> None:
    attempts = []

    with session() as mine:
        mine.register_rows("$BATCH_1", pa.table({"X": [1, 2, 3]}))

        def work() -> int:
            attempts.append(1)
            ((count,),) = mine.duck.execute('SELECT count(*) FROM "$BATCH_1"').fetchall()
            if len(attempts) < 3:
                raise duckdb.TransactionException(text)
            return int(count)

        assert mine.write(work) == 3
        with pytest.raises(duckdb.CatalogException):
            mine.duck.execute('SELECT count(*) FROM "$BATCH_1"')
