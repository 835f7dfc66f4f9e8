"""Statements in an account that runs in the process of the tests: no server, no protocol."""

from __future__ import annotations

from typing import Any

from local_snowflake.account import Account
from local_snowflake.execution.results import Result
from local_snowflake.sessions.token import SessionToken


class Runner:
    """Runs statements in a session; ``translated`` is for tests that count how often one is compiled."""

    def __init__(self, account: Account, token: SessionToken) -> None:
        self.account = account
        self.token = token
        self.translated = 0

    def result(self, sql: str) -> Result:
        """A statement's result, with the types of its columns."""
        return self.account.execute(self.token, sql)

    def describe(self, sql: str) -> list[tuple[str, str]]:
        """The names and types of the columns that a statement would give."""
        return [(column.name, column.type.name) for column in self.account.describe(self.token, sql).columns]

    def __call__(self, sql: str, **values: tuple[str, str | None]) -> list[tuple[Any, ...]]:
        """A statement's rows; bind values are named ``_1``, ``_2``, …: a type of the protocol and a value."""
        bindings = {number[1:]: {"type": kind, "value": value} for number, (kind, value) in values.items()}
        table = self.account.execute(self.token, sql, bindings).table
        return [tuple(row.values()) for row in table.to_pylist()]
