"""Turns: whoever was second begins anew, in a transaction that sees what the first wrote."""

from types import SimpleNamespace
from typing import Any

import pytest

from snowloop.lifecycle.scoring.desired import turn_texts
from snowloop_procedures import lock as turns

TEXTS = turn_texts("DB")


class Held:
    """A session beside which others have turns, before some of its own tries."""

    def __init__(self, others: int, *, error: Exception | None = None) -> None:
        self.holder, self.others, self.error = "nobody", others, error
        self.sent: list[str] = []

    def sql(self, text: str) -> Any:
        return SimpleNamespace(collect=lambda: self._do(text))

    def _do(self, text: str) -> list[tuple[Any, ...]]:
        if "UPDATE" not in text:
            self.sent.append(text.split(maxsplit=1)[0])
            return [(self.holder,)]
        self.sent.append("UPDATE")
        if self.error:
            raise self.error
        if self.others:
            self.others, self.holder = self.others - 1, f"other {self.others}"
        return [(int(f"WHERE HOLDER = '{self.holder}'" in text and "SET HOLDER = 'me'" in text),)]


def test_a_turn_that_is_free_is_taken_at_once():
    session: Any = Held(0)
    turns.take(session, TEXTS, "me")
    assert session.sent == ["SELECT", "BEGIN", "UPDATE"]


def test_who_was_second_begins_anew():
    session: Any = Held(2)
    turns.take(session, TEXTS, "me")
    lost = ["SELECT", "BEGIN", "UPDATE", "ROLLBACK"]
    assert session.sent == [*lost, *lost, "SELECT", "BEGIN", "UPDATE"]


def test_what_fails_leaves_no_transaction_open():
    session: Any = Held(0, error=TimeoutError("LOCK_TIMEOUT"))
    with pytest.raises(TimeoutError):
        turns.take(session, TEXTS, "me")
    assert session.sent == ["SELECT", "BEGIN", "UPDATE", "ROLLBACK"]


def test_who_is_never_first_says_so():
    session: Any = Held(turns.TRIES)
    with pytest.raises(RuntimeError, match="others scored each of the 100 times"):
        turns.take(session, TEXTS, "me")
    assert session.sent[-1] == "ROLLBACK"
