"""Connections of the stream tests, and what they ask of a stream."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import snowflake.connector
from snowflake.connector.errors import ProgrammingError

Row = dict[str, Any]
DATABASE = "C_STREAMS"


class Account:
    """A connection that gives rows as dictionaries."""

    def __init__(self, connection: snowflake.connector.SnowflakeConnection) -> None:
        self._cursor = connection.cursor(snowflake.connector.DictCursor)
        self("USE SCHEMA C_STREAMS.PUBLIC")

    def __call__(self, sql: str) -> list[Row]:
        return list(self._cursor.execute(sql).fetchall())  # type: ignore[union-attr]

    @property
    def query_id(self) -> str:
        return str(self._cursor.sfqid)

    def refusal(self, sql: str) -> str:
        with pytest.raises(ProgrammingError) as caught:
            self(sql)
        return str(caught.value.raw_msg)

    def changes(self, stream: str) -> list[tuple[Any, ...]]:
        """What a stream shows: (values…, action, whether it is part of an update), in order."""
        rows = [tuple(row.values())[:-1] for row in self(f"SELECT * FROM {stream}")]
        return sorted(rows, key=repr)

    def inserted(self, stream: str) -> list[Any]:
        """The first columns of a stream's inserted rows."""
        return sorted(row[0] for row in self.changes(stream) if row[-2] == "INSERT")

    def has_data(self, stream: str) -> bool:
        return bool(self(f"SELECT SYSTEM$STREAM_HAS_DATA('{stream}') AS ANSWER")[0]["ANSWER"])

    def shown(self, stream: str) -> Row:
        return self(f"SHOW STREAMS LIKE '{stream}' IN SCHEMA C_STREAMS.PUBLIC")[0]


@pytest.fixture(scope="module", name="connections")
def connections_fixture(snowflake_connection: dict[str, Any]) -> Iterator[Callable[[], Account]]:
    opened: list[snowflake.connector.SnowflakeConnection] = []

    def connect() -> Account:
        opened.append(snowflake.connector.connect(**snowflake_connection))
        return Account(opened[-1])

    first = snowflake.connector.connect(**snowflake_connection)
    first.cursor().execute(f"CREATE OR REPLACE DATABASE {DATABASE}")
    yield connect
    first.cursor().execute(f"DROP DATABASE {DATABASE}")
    for connection in (first, *opened):
        connection.close()


@pytest.fixture(scope="module", name="account")
def account_fixture(connections: Callable[[], Account]) -> Account:
    return connections()


@pytest.fixture(scope="module", name="other")
def other_fixture(connections: Callable[[], Account]) -> Account:
    """A second session."""
    return connections()


@pytest.fixture(autouse=True, name="clean")
def clean_fixture(account: Account) -> Iterator[None]:
    """A table T with two rows, a target O, and streams S and A (append-only) on T."""
    account("CREATE OR REPLACE SCHEMA C_STREAMS.PUBLIC")
    account("CREATE TABLE T (I INT, S STRING)")
    account("INSERT INTO T VALUES (1, 'a'), (2, 'b')")
    account("CREATE TABLE O (I INT)")
    account("CREATE STREAM S ON TABLE T")
    account("CREATE STREAM A ON TABLE T APPEND_ONLY = TRUE")
    yield
    account("ROLLBACK")
