"""Sessions that change objects at the same time: nothing is lost, nobody waits for what does not concern him."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import snowflake.connector
from snowflake.connector.errors import DatabaseError, ProgrammingError

Connection = snowflake.connector.SnowflakeConnection
PATIENCE = 120


def run(connection: Connection, sql: str) -> list[Any]:
    cursor = connection.cursor()
    cursor.execute(sql)
    return cursor.fetchall()


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


@pytest.fixture
def connect(snowflake_connection: dict[str, Any]) -> Iterator[Callable[[], Connection]]:
    """Opens sessions in an empty database."""
    opened: list[Connection] = []

    def open_session() -> Connection:
        opened.append(snowflake.connector.connect(**snowflake_connection))
        if len(opened) == 1:
            run(opened[0], "CREATE OR REPLACE DATABASE T_CONCURRENT")
        run(opened[-1], "USE SCHEMA T_CONCURRENT.PUBLIC")
        return opened[-1]

    yield open_session
    for connection in opened:
        connection.close()


@pytest.fixture
def session(connect: Callable[[], Connection]) -> Connection:
    return connect()


def columns(connection: Connection, table: str) -> list[str]:
    return [row[0] for row in run(connection, f"DESCRIBE TABLE {table}")]


def at_once(connect: Callable[[], Connection], count: int, sql: Callable[[int], str]) -> list[Exception | None]:
    started = [Background(connect(), sql(i)) for i in range(count)]
    return [each.end() for each in started]


def test_a_column_that_was_added_while_a_stream_waited_is_kept(
    session: Connection, connect: Callable[[], Connection]
) -> None:
    run(session, "CREATE TABLE L (A INT) AS SELECT 1")
    run(session, "BEGIN")
    run(session, "DELETE FROM L WHERE A > 1")
    stream = Background(connect(), "CREATE STREAM S ON TABLE L")
    assert stream.is_waiting()
    column = Background(connect(), "ALTER TABLE L ADD COLUMN B INT")
    run(session, "COMMIT")
    assert (stream.end(), column.end()) == (None, None)
    assert columns(session, "L") == ["A", "B"]
    run(session, "INSERT INTO L (A, B) VALUES (2, 3)")
    assert run(session, "SELECT A, B FROM S") == [(2, 3)]


def test_changes_of_one_object_at_once_are_all_kept(session: Connection, connect: Callable[[], Connection]) -> None:
    run(session, "CREATE TABLE WIDE (A INT)")
    assert at_once(connect, 6, lambda i: f"ALTER TABLE WIDE ADD COLUMN C{i} INT") == [None] * 6
    assert sorted(columns(session, "WIDE")) == ["A", *(f"C{i}" for i in range(6))]


def test_streams_made_at_once_on_a_table_without_one(session: Connection, connect: Callable[[], Connection]) -> None:
    for attempt in range(3):
        run(session, f"CREATE TABLE U{attempt} (A INT)")
        made = at_once(connect, 4, lambda i, n=attempt: f"CREATE STREAM S{n}_{i} ON TABLE U{n}")  # type: ignore[misc]
        assert made == [None] * 4
        run(session, f"INSERT INTO U{attempt} VALUES (7)")
        assert [run(session, f"SELECT A FROM S{attempt}_{i}") for i in range(4)] == [[(7,)]] * 4


@pytest.mark.parametrize("create", ["TABLE R (A INT)", "TABLE R AS SELECT 1 AS A", "STREAM R ON TABLE SOURCE"])
def test_one_of_many_makes_an_object_that_must_not_exist(
    session: Connection, connect: Callable[[], Connection], create: str
) -> None:
    run(session, "CREATE TABLE SOURCE (A INT)")
    kind, rest = create.split(" ", 1)
    assert at_once(connect, 4, lambda i: f"CREATE {kind} IF NOT EXISTS {rest}") == [None] * 4
    run(session, f"DROP {kind} R")
    failed = [error for error in at_once(connect, 4, lambda i: f"CREATE {create}") if error]
    assert len(failed) == 3
    assert all("002002" in str(error) and "already exists" in str(error) for error in failed)


def test_task_changes_at_once_are_all_kept(session: Connection, connect: Callable[[], Connection]) -> None:
    run(session, "CREATE WAREHOUSE IF NOT EXISTS W")
    run(session, "CREATE TASK ROOT WAREHOUSE = W SCHEDULE = '60 MINUTES' AS SELECT 1")
    assert at_once(connect, 5, lambda i: f"CREATE TASK C{i} WAREHOUSE = W AFTER ROOT AS SELECT 1") == [None] * 5
    assert at_once(connect, 5, lambda i: f"CREATE TASK E{i} WAREHOUSE = W AFTER C{i} AS SELECT 1") == [None] * 5
    settings = [f"USER_TASK_TIMEOUT_MS = {i + 1000}" if i else "COMMENT = 'kept'" for i in range(5)]
    assert at_once(connect, 5, lambda i: f"ALTER TASK ROOT SET {settings[i]}") == [None] * 5
    shown = {row[1]: row for row in run(session, "SHOW TASKS")}
    assert len(shown) == 11
    assert "kept" in shown["ROOT"]


SLOW_QUERY = "SELECT SUM(A.SEQ8() % 7) FROM TABLE(GENERATOR(ROWCOUNT => 10)) A"
