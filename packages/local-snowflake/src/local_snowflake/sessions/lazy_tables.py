"""Lazy tables: computed at the moment when a statement reads them, inside that statement's transaction."""

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
class _LazyTable:
    placeholder: pa.Table
    reads: str
    compute: Callable[[], pa.Table]


class LazyTables:
    """The lazy tables of a session.

    A table is filled again for each statement that names it: the statement may run again in another transaction, where
    it would see other rows.
    """

    def __init__(self, duck: duckdb.DuckDBPyConnection) -> None:
        self._duck = duck
        self._tables: dict[str, _LazyTable] = {}
        self._filled: list[str] = []
        self._paused = False

    def register(self, name: str, placeholder: pa.Table, reads: str, compute: Callable[[], pa.Table]) -> None:
        """Let statements read a table that is not there yet.

        Args:
            name: how statements call it: ``PREFIX`` and 32 hexadecimal digits.
            placeholder: a table of its columns and no rows, for statements that are only described.
            reads: the SQL that computing it runs, which may name other such tables.
            compute: gives the rows; it may query the session's connection.
        """
        self._tables[name] = _LazyTable(placeholder, reads, compute)

    def forget(self, name: str) -> None:
        """Drop a table."""
        self._tables.pop(name, None)

    @contextmanager
    def only_described(self) -> Iterator[None]:
        """Compute nothing for the statements inside: they are described, not run."""
        before, self._paused = self._paused, True
        try:
            yield
        finally:
            self._paused = before

    def fill(self, sql: str) -> None:
        """Compute the tables that a statement names, those first that others read.

        Nothing is registered for a statement that names none: in an aborted transaction DuckDB would refuse that, and a
        ROLLBACK has to get through.
        """
        if self._paused or PREFIX not in sql:
            return
        for name in self._filled:
            if name in self._tables:
                self._duck.register(name, self._tables[name].placeholder)
        self._filled.clear()
        names: list[str] = []
        self._collect(sql, names)
        with self.only_described():
            for name in names:
                self._filled.append(name)
                self._duck.register(name, self._tables[name].compute())

    def _collect(self, sql: str, names: list[str]) -> None:
        for name in _NAME.findall(sql):
            if name in self._tables and name not in names:
                self._collect(self._tables[name].reads, names)
                names.append(name)


class _Connection:
    """A DuckDB connection that fills the lazy tables which a statement reads before it runs the statement."""

    def __init__(self, duck: duckdb.DuckDBPyConnection, tables: LazyTables) -> None:
        self._duck = duck
        self._tables = tables

    def __getattr__(self, name: str) -> Any:
        return getattr(self._duck, name)

    def execute(self, query: str, *arguments: Any, **named: Any) -> duckdb.DuckDBPyConnection:
        self._tables.fill(query)
        return self._duck.execute(query, *arguments, **named)

    def sql(self, query: str, *arguments: Any, **named: Any) -> duckdb.DuckDBPyRelation:
        self._tables.fill(query)
        return self._duck.sql(query, *arguments, **named)

    def unregister(self, name: str) -> duckdb.DuckDBPyConnection:
        self._tables.forget(name)
        return self._duck.unregister(name)


def with_lazy_tables(duck: duckdb.DuckDBPyConnection, tables: LazyTables) -> duckdb.DuckDBPyConnection:
    """A connection whose statements may read lazy tables."""
    return cast(duckdb.DuckDBPyConnection, _Connection(duck, tables))
