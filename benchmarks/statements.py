"""How many statements a second the server runs: when each is new, and when the same one comes again."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import snowflake.connector

from benchmarks.server import Server

_SECONDS = 3.0
_FEWEST = 5
_LONG = "\nUNION ALL\n".join(
    f"SELECT a + {i} AS a,\n  b AS b, ROUND(c * 2, 3) AS c\nFROM t\nWHERE a > {i} AND b <> 'x'" for i in range(40)
)
STATEMENTS: dict[str, tuple[str, tuple[Any, ...]]] = {
    "SELECT 1": ("SELECT 1", ()),
    "INSERT of bind values": ("INSERT INTO t (a, b, c) VALUES (?, ?, ?)", (1, "x", 1.5)),
    "query of 200 lines": (_LONG, ()),
}


@dataclass(frozen=True)
class Rate:
    """A statement, and how many times a second it runs.

    Attributes:
        statement: its name.
        new: when its text has never been seen.
        repeated: when it has.
    """

    statement: str
    new: float
    repeated: float


def statement_rates(server: Server) -> list[Rate]:
    """Measure each of ``STATEMENTS`` through the connector, one after the other."""
    with snowflake.connector.connect(**server.connection(), paramstyle="qmark") as connection:
        cursor = connection.cursor()
        cursor.execute("CREATE OR REPLACE DATABASE STATEMENTS")
        cursor.execute("CREATE TABLE t (a INT, b VARCHAR, c FLOAT)")

        def rate(sql: str, values: tuple[Any, ...], text: Callable[[str, int], str]) -> float:
            cursor.execute(text(sql, 0), values or None)
            count, started = 0, time.perf_counter()
            while count < _FEWEST or time.perf_counter() < started + _SECONDS:
                count += 1
                cursor.execute(text(sql, count), values or None)
            return count / (time.perf_counter() - started)

        return [
            Rate(name, rate(sql, values, _with_number), rate(sql, values, lambda sql, _: sql))
            for name, (sql, values) in STATEMENTS.items()
        ]


def _with_number(sql: str, number: int) -> str:
    """The statement with a comment that makes its text another one."""
    return f"{sql}\n-- {number}"
