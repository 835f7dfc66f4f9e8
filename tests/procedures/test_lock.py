"""The scoring lock: whoever had to wait starts again, in a transaction that sees what the other one wrote."""

from types import SimpleNamespace
from typing import Any

import pytest

from snowloop.lifecycle.scoring.desired import lock_statements
from snowloop_procedures import lock

STATEMENTS = lock_statements("DB")


class Locked:
    """A session next to which others acquire the lock, before some of its own attempts."""

    def __init__(self, others: int, *, error: Exception | None = None) -> None:
        self.owner, self.others, self.error = "nobody", others, error
        self.sent: list[str] = []

    def sql(self, text: str, params: Any = None) -> Any:
        return SimpleNamespace(collect=lambda: self._do(text, params))

    def _do(self, text: str, params: Any) -> list[tuple[Any, ...]]:
        if "UPDATE" not in text:
            self.sent.append(text.split(maxsplit=1)[0])
            return [(self.owner,)]
        self.sent.append("UPDATE")
        if self.error:
            raise self.error
        if self.others:
            self.others, self.owner = self.others - 1, f"other {self.others}"
        return [(int(params == ["me", self.owner] and "SET HOLDER = ? WHERE HOLDER = ?" in text),)]


def test_a_free_lock_is_acquired_at_once():
    session: Any = Locked(0)
    lock.acquire(session, STATEMENTS, "me")
    assert session.sent == ["SELECT", "BEGIN", "UPDATE"]


def test_whoever_was_second_starts_again():
    session: Any = Locked(2)
    lock.acquire(session, STATEMENTS, "me")
    lost = ["SELECT", "BEGIN", "UPDATE", "ROLLBACK"]
    assert session.sent == [*lost, *lost, "SELECT", "BEGIN", "UPDATE"]


def test_a_failure_leaves_no_transaction_open():
    session: Any = Locked(0, error=TimeoutError("LOCK_TIMEOUT"))
    with pytest.raises(TimeoutError):
        lock.acquire(session, STATEMENTS, "me")
    assert session.sent == ["SELECT", "BEGIN", "UPDATE", "ROLLBACK"]


def test_a_lock_that_cannot_be_acquired_says_so():
    session: Any = Locked(lock.ATTEMPTS)
    with pytest.raises(RuntimeError, match="could not acquire the scoring lock after 100 attempts"):
        lock.acquire(session, STATEMENTS, "me")
    assert session.sent[-1] == "ROLLBACK"


def test_a_lock_without_its_row_says_what_to_do(monkeypatch: pytest.MonkeyPatch):
    session: Any = Locked(0)
    monkeypatch.setattr(session, "_do", lambda *_: [])
    with pytest.raises(RuntimeError, match=r"the scoring lock has no row: .*REPAIR_LOCK.* insert one"):
        lock.acquire(session, STATEMENTS, "me")
