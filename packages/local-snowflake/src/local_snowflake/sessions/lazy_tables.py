"""Tables that are computed at the moment when a statement reads them, inside that statement's transaction."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, cast

import duckdb
import pyarrow as pa

PREFIX = "$ROWS_BULK_"
_NAME = re.compile(re.escape(PREFIX) + r"[0-9A-F]{32}")


@dataclass
class _Computed:
    placeholder: pa.Table
    reads: str
    compute: Callable[[], pa.Table]


class ComputedTables:
    """The computed tables of a session.

    A table is filled again for each statement that names it: the statement may run again in another transaction, where
    it would see other rows.
    """

    def __init__(self, duck: duckdb.DuckDBPyConnection) -> None:
        """Keep tables for the connection ``duck``."""
        self._duck = duck
        self._tables: dict[str, _Computed] = {}
        self._filled: list[str] = []
        self._resting = False

    def announce(self, name: str, placeholder: pa.Table, reads: str, compute: Callable[[], pa.Table]) -> None:
        """Let statements read a table that is not there yet.

        Args:
            name: how statements call it: ``PREFIX`` and 32 hexadecimal digits.
            placeholder: a table of its columns and no rows, for statements that are only described.
            reads: the SQL that computing it runs, which may name other such tables.
            compute: gives the rows; it may query the session's connection.
        """
        self._tables[name] = _Computed(placeholder, reads, compute)

    def forget(self, name: str) -> None:
        """Drop a table."""
        self._tables.pop(name, None)

    @contextmanager
    def only_described(self) -> Iterator[None]:
        """Compute nothing for the statements inside: they are looked at, not run."""
        before, self._resting = self._resting, True
        try:
            yield
        finally:
            self._resting = before

    def fill(self, sql: str) -> None:
        """Compute the tables that a statement names, those first that others read.

        Nothing is registered for a statement that names none: in an aborted transaction DuckDB would refuse that, and a
        ROLLBACK has to get through.
        """
        if self._resting or PREFIX not in sql:
            return
        for name in self._filled:
            if name in self._tables:
                self._duck.register(name, self._tables[name].placeholder)
        self._filled.clear()
        wanted: list[str] = []
        self._collect(sql, wanted)
        with self.only_described():
            for name in wanted:
                self._filled.append(name)
                self._duck.register(name, self._tables[name].compute())

    def _collect(self, sql: str, wanted: list[str]) -> None:
        for name in _NAME.findall(sql):
            if name in self._tables and name not in wanted:
                self._collect(self._tables[name].reads, wanted)
                wanted.append(name)


class _Connection:
    """A DuckDB connection that computes what a statement reads before it runs it."""

    def __init__(self, duck: duckdb.DuckDBPyConnection, computed: ComputedTables) -> None:
        self._duck = duck
        self._computed = computed

    def __getattr__(self, name: str) -> Any:
        return getattr(self._duck, name)

    def execute(self, query: str, *arguments: Any, **named: Any) -> duckdb.DuckDBPyConnection:
        self._computed.fill(query)
        return self._duck.execute(query, *arguments, **named)

    def sql(self, query: str, *arguments: Any, **named: Any) -> duckdb.DuckDBPyRelation:
        self._computed.fill(query)
        return self._duck.sql(query, *arguments, **named)

    def unregister(self, name: str) -> duckdb.DuckDBPyConnection:
        self._computed.forget(name)
        return self._duck.unregister(name)


def computing(duck: duckdb.DuckDBPyConnection, computed: ComputedTables) -> duckdb.DuckDBPyConnection:
    """A connection whose statements may read the tables of ``computed``."""
    return cast(duckdb.DuckDBPyConnection, _Connection(duck, computed))
