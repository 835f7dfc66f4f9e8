"""Sessions that change objects at the same time: nothing is lost, nobody waits for what does not concern him."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import snowflake.connector
from snowflake.connector.errors import DatabaseError
from tests.server.connections import PATIENCE, Background, Connect, Connection, connections, run

AtOnce = Callable[[int, Callable[[int], str]], list[Exception | None]]
# gives TRUE once a gate is open: a query that takes as long as a test wants
WAIT_FOR = """CREATE FUNCTION WAIT_FOR(PORT INT) RETURNS BOOLEAN LANGUAGE PYTHON RUNTIME_VERSION = '3.11'
HANDLER = 'f' AS
$$
import socket, time
def f(port):
    until = time.monotonic() + 300
    while time.monotonic() < until:
        try:
            socket.create_connection(("127.0.0.1", port), 10).close()
            return True
        except ConnectionRefusedError:
            time.sleep(0.05)
    raise TimeoutError(port)
$$"""


class Gate:
    """A port on loopback that is reached once it is open: a handler sees no files of the tests."""

    def __init__(self) -> None:
        self._socket = socket.socket()
        self._socket.bind(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]

    def open(self) -> None:
        self._socket.listen()

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def gate() -> Iterator[Gate]:
    with contextlib.closing(Gate()) as made:
        yield made


@pytest.fixture
def connect(snowflake_connection: dict[str, Any]) -> Iterator[Connect]:
    """Opens sessions in an empty database."""
    yield from connections(snowflake_connection, "T_CONCURRENT")


@pytest.fixture
def session(connect: Connect) -> Connection:
    return connect()


def columns(connection: Connection, table: str) -> list[str]:
    return [row[0] for row in run(connection, f"DESCRIBE TABLE {table}")]


@pytest.fixture
def at_once(session: Connection, connect: Connect) -> AtOnce:
    """Runs ``sql(0)``, ``sql(1)``, … in sessions of their own, all under way while a long change is; their errors."""
    run(session, WAIT_FOR)

    def run_all(count: int, sql: Callable[[int], str]) -> list[Exception | None]:
        with contextlib.closing(Gate()) as gate:
            long = Background(connect(), f"CREATE OR REPLACE TABLE LONG AS SELECT WAIT_FOR({gate.port}) AS DONE")
            assert long.is_waiting()
            started = [Background(connect(), sql(i)) for i in range(count)]
            for each in started:
                each.is_waiting()
            gate.open()
            assert long.end() is None
            return [each.end() for each in started]

    return run_all


def test_a_column_that_was_added_while_a_stream_waited_is_kept(session: Connection, connect: Connect) -> None:
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


def test_changes_of_one_object_at_once_are_all_kept(session: Connection, at_once: AtOnce) -> None:
    run(session, "CREATE TABLE WIDE (A INT)")
    assert at_once(4, lambda i: f"ALTER TABLE WIDE ADD COLUMN C{i} INT") == [None] * 4
    assert sorted(columns(session, "WIDE")) == ["A", *(f"C{i}" for i in range(4))]


def test_streams_made_at_once_on_a_table_without_one(session: Connection, at_once: AtOnce) -> None:
    run(session, "CREATE TABLE U (A INT)")
    assert at_once(4, lambda i: f"CREATE STREAM S{i} ON TABLE U") == [None] * 4
    run(session, "INSERT INTO U VALUES (7)")
    assert [run(session, f"SELECT A FROM S{i}") for i in range(4)] == [[(7,)]] * 4


@pytest.mark.parametrize("create", ["TABLE R (A INT)", "TABLE R AS SELECT 1 AS A", "STREAM R ON TABLE SOURCE"])
def test_one_of_many_makes_an_object_that_must_not_exist(session: Connection, at_once: AtOnce, create: str) -> None:
    run(session, "CREATE TABLE SOURCE (A INT)")
    kind, rest = create.split(" ", 1)
    assert at_once(3, lambda i: f"CREATE {kind} IF NOT EXISTS {rest}") == [None] * 3
    run(session, f"DROP {kind} R")
    failed = [error for error in at_once(3, lambda i: f"CREATE {create}") if error]
    assert len(failed) == 2
    assert all("002002" in str(error) and "already exists" in str(error) for error in failed)


def test_task_changes_at_once_are_all_kept(session: Connection, at_once: AtOnce) -> None:
    run(session, "CREATE WAREHOUSE IF NOT EXISTS W")
    run(session, "CREATE TASK ROOT WAREHOUSE = W SCHEDULE = '60 MINUTES' AS SELECT 1")
    changes = ["SET COMMENT = 'kept'", "SET SCHEDULE = '90 MINUTES'", "MODIFY AS SELECT 2", "MODIFY WHEN 1 = 1"]
    assert at_once(4, lambda i: f"ALTER TASK ROOT {changes[i]}") == [None] * 4
    cursor = session.cursor(snowflake.connector.DictCursor)
    cursor.execute("SHOW TASKS LIKE 'ROOT'")
    shown = dict(cursor.fetchall()[0])
    assert (shown["comment"], shown["schedule"], shown["condition"]) == ("kept", "90 MINUTES", "1 = 1")
    assert shown["definition"] == "SELECT 2"


def test_a_long_create_table_stops_nobody_else(session: Connection, connect: Connect, gate: Gate) -> None:
    run(session, WAIT_FOR)
    other = connect()
    long = Background(connect(), f"CREATE TABLE LONG AS SELECT WAIT_FOR({gate.port}) AS DONE")
    try:
        assert long.is_waiting()
        for sql in ("SELECT 1", "SHOW TABLES", "CREATE TABLE SHORT (A INT)", "INSERT INTO SHORT VALUES (1)"):
            assert Background(other, sql).end() is None
        assert long.is_waiting()
    finally:
        gate.open()
    assert long.end() is None
    assert run(session, "SELECT DONE, A FROM LONG, SHORT") == [(True, 1)]


def test_create_table_by_a_function_in_an_open_transaction(session: Connection, gate: Gate) -> None:
    """It commits the transaction, and still has what the function reads."""
    gate.open()
    run(session, WAIT_FOR)
    run(session, "CREATE TABLE T AS SELECT 1 AS A")
    run(session, "BEGIN")
    run(session, "INSERT INTO T VALUES (2)")
    run(session, f"CREATE TABLE MADE AS SELECT WAIT_FOR({gate.port}) AS DONE, A FROM T")
    assert sorted(run(session, "SELECT DONE, A FROM MADE")) == [(True, 1), (True, 2)]


def test_a_task_that_creates_a_table_ends_at_its_time_limit(session: Connection, gate: Gate) -> None:
    run(session, WAIT_FOR)
    run(session, "CREATE WAREHOUSE IF NOT EXISTS W")
    body = f"CREATE OR REPLACE TABLE NEVER AS SELECT WAIT_FOR({gate.port}) AS DONE"
    run(session, f"CREATE TASK LATE WAREHOUSE = W USER_TASK_TIMEOUT_MS = 1000 AS {body}")
    run(session, "EXECUTE TASK LATE")
    history = "SELECT STATE, ERROR_CODE FROM TABLE(INFORMATION_SCHEMA.TASK_HISTORY(TASK_NAME => 'LATE'))"
    until = time.monotonic() + PATIENCE
    while (found := run(session, history))[0][0] in {"SCHEDULED", "EXECUTING"} and time.monotonic() < until:
        time.sleep(0.2)
    assert found == [("FAILED", "000630")]
    assert run(session, "SHOW TABLES LIKE 'NEVER'") == []


def test_alter_table_waits_for_those_who_write(session: Connection, connect: Connect) -> None:
    run(session, "CREATE TABLE AL (A INT)")
    run(session, "BEGIN")
    run(session, "INSERT INTO AL VALUES (1)")
    column = Background(connect(), "ALTER TABLE AL ADD COLUMN B INT")
    assert column.is_waiting()
    run(session, "COMMIT")
    assert column.end() is None
    assert run(session, "SELECT A, B FROM AL") == [(1, None)]


@pytest.mark.parametrize("drop", ["DROP TABLE D", "CREATE OR REPLACE TABLE D (B INT)"])
def test_who_writes_a_table_commits_before_it_is_gone(session: Connection, connect: Connect, drop: str) -> None:
    run(session, "CREATE TABLE D (A INT)")
    run(session, "CREATE TABLE KEPT (A INT)")
    run(session, "BEGIN")
    run(session, "INSERT INTO D VALUES (1)")
    run(session, "INSERT INTO KEPT VALUES (1)")
    dropped = Background(connect(), drop)
    assert dropped.is_waiting()
    run(session, "COMMIT")
    assert dropped.end() is None
    assert run(session, "SELECT A FROM KEPT") == [(1,)]


def test_inserts_and_alters_at_once(session: Connection, connect: Connect) -> None:
    """Each INSERT is there, and each ALTER: inserts share the table, and let an ALTER through in its turn."""
    run(session, "CREATE TABLE SOURCE AS SELECT SEQ4() AS A FROM TABLE(GENERATOR(ROWCOUNT => 20000))")
    run(session, "CREATE TABLE TARGET (A INT)")
    failed: list[Exception] = []
    over = threading.Event()
    inserted = [0, 0, 0]

    def insert(number: int, connection: Connection) -> None:
        try:
            while not over.is_set():
                run(connection, "INSERT INTO TARGET (A) SELECT A FROM SOURCE")
                inserted[number] += 1
        except Exception as error:  # noqa: BLE001 (whatever it is, the test tells it)
            failed.append(error)

    threads = [threading.Thread(target=insert, args=(i, connect())) for i in range(3)]
    for thread in threads:
        thread.start()
    try:
        for i in range(5):
            assert Background(session, f"ALTER TABLE TARGET ADD COLUMN C{i} INT").end() is None
    finally:
        over.set()
        for thread in threads:
            thread.join(PATIENCE)
    assert failed == []
    assert columns(session, "TARGET") == ["A", *(f"C{i}" for i in range(5))]
    assert run(session, "SELECT COUNT(*) FROM TARGET") == [(20_000 * sum(inserted),)]


def test_a_waiting_statement_on_a_table_is_compiled_anew_when_the_table_changed(
    session: Connection, connect: Connect
) -> None:
    """A writer that waited while the table got a stream, and another column, writes what the stream shows."""
    run(session, "CREATE TABLE N (A INT) AS SELECT 1")
    run(session, "BEGIN")
    run(session, "UPDATE N SET A = 2")
    stream = Background(connect(), "CREATE STREAM N_S ON TABLE N")
    assert stream.is_waiting()
    update = Background(connect(), "UPDATE N SET A = A + 10")
    assert update.is_waiting()
    run(session, "COMMIT")
    assert (stream.end(), update.end()) == (None, None)
    assert run(session, "SELECT A FROM N") == [(12,)]


@pytest.mark.parametrize("kind", ["", "TEMPORARY"])
def test_a_transaction_writes_a_table_that_changed_since_its_first_write(
    session: Connection, connect: Connect, kind: str
) -> None:
    run(session, "CREATE TABLE SECOND (A INT)")
    other = connect()
    run(other, f"CREATE {kind} TABLE FIRST (A INT)")
    run(other, "BEGIN")
    run(other, "INSERT INTO FIRST VALUES (1)")
    run(session, "ALTER TABLE SECOND ADD COLUMN B INT")
    run(session, "CREATE STREAM SECOND_S ON TABLE SECOND")
    run(other, "INSERT INTO SECOND (A, B) VALUES (2, 3)")
    run(other, "COMMIT")
    assert run(other, "SELECT A FROM FIRST") == [(1,)]
    assert run(session, "SELECT A, B FROM SECOND_S") == [(2, 3)]


def test_ddl_that_waits_is_timed_out(session: Connection, connect: Connect) -> None:
    run(session, "CREATE TABLE W (A INT)")
    run(session, "BEGIN")
    run(session, "INSERT INTO W VALUES (1)")
    other = connect()
    run(other, "ALTER SESSION SET STATEMENT_TIMEOUT_IN_SECONDS = 1")
    for sql in ("ALTER TABLE W ADD COLUMN B INT", "CREATE STREAM W_S ON TABLE W", "DROP TABLE W"):
        assert "000630" in str(Background(other, sql).end())
    with pytest.raises(DatabaseError, match="000604"):
        # the connector's own time-out cancels the statement
        connect().cursor().execute("ALTER TABLE W ADD COLUMN B INT", timeout=2)
    run(session, "COMMIT")
    assert columns(session, "W") == ["A"]
