"""Connections that tests open by hand, and statements that run while a test goes on."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import snowflake.connector

Connection = snowflake.connector.SnowflakeConnection
Connect = Callable[[], Connection]
PATIENCE = 120


def run(connection: Connection, sql: str) -> list[Any]:
    cursor = connection.cursor()
    cursor.execute(sql)
    return cursor.fetchall()


def connections(arguments: dict[str, Any], database: str, *setup: str) -> Iterator[Connect]:
    """Opens sessions in a new database, in which the first one runs ``setup``."""
    opened: list[Connection] = []

    def connect() -> Connection:
        opened.append(snowflake.connector.connect(**arguments))
        for sql in (f"CREATE OR REPLACE DATABASE {database}", *setup) if len(opened) == 1 else ():
            run(opened[0], sql)
        run(opened[-1], f"USE SCHEMA {database}.PUBLIC")
        return opened[-1]

    yield connect
    for connection in opened:
        connection.close()


class Background:
    """A statement that runs while the test goes on."""

    def __init__(self, connection: Connection, sql: str) -> None:
        self.connection, self.sql = connection, sql
        self.error: Exception | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            run(self.connection, self.sql)
        except Exception as error:  # noqa: BLE001 (whatever it is, the test tells it)
            self.error = error

    def is_waiting(self) -> bool:
        """Whether it still runs after a while in which it would be done if nothing held it up."""
        self._thread.join(1.5)
        return self._thread.is_alive()

    def end(self) -> Exception | None:
        self._thread.join(PATIENCE)
        assert not self._thread.is_alive(), f"still runs: {self.sql}"
        return self.error
