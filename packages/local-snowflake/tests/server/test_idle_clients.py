"""Clients that are gone without a word, and what people on call do about transactions that keep others waiting."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
import snowflake.connector
from snowflake.connector.errors import DatabaseError
from tests.server.connections import PATIENCE, Background, Connect, Connection, connections, run

from local_snowflake.testing import LocalSnowflake

_CLIENT = """
import json, sys, snowflake.connector
connection = snowflake.connector.connect(**json.loads(sys.argv[1]))
for sql in ("USE SCHEMA T_IDLE_CLIENTS.PUBLIC", "BEGIN", "UPDATE T SET X = 100"):
    connection.cursor().execute(sql)
print("written", flush=True)
sys.stdin.read()
"""


def shown(connection: Connection, sql: str) -> list[dict[str, Any]]:
    cursor = connection.cursor(snowflake.connector.DictCursor)
    cursor.execute(sql)
    return [dict(row) for row in cursor.fetchall()]


def until(found: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not found():
        assert time.monotonic() < end
        time.sleep(0.1)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalSnowflake]:
    """A server that waits for clients less long than usual."""
    options = ["--idle-transaction-seconds", "5", "--idle-session-seconds", "40"]
    made = LocalSnowflake(tmp_path_factory.mktemp("idle") / "data", options=options).start()
    yield made
    made.stop()


_TABLE = "T_IDLE_CLIENTS", "CREATE TABLE T AS SELECT 1 AS X"


@pytest.fixture
def connect(server: LocalSnowflake) -> Iterator[Connect]:
    """Opens sessions of the server that waits less long."""
    yield from connections(server.connection(), *_TABLE)


@pytest.fixture
def connect_usual(local_snowflake: LocalSnowflake) -> Iterator[Connect]:
    """Opens sessions of a server that waits as long as usual."""
    yield from connections(local_snowflake.connection(), *_TABLE)


@pytest.mark.slow
def test_the_transaction_of_a_dead_client_is_rolled_back_for_who_waits(
    server: LocalSnowflake, connect: Connect
) -> None:
    mine = connect()
    command = [sys.executable, "-c", _CLIENT, json.dumps(server.connection())]
    client = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert client.stdout
    assert client.stdin
    assert client.stdout.readline() == "written\n"
    psutil.Process(client.pid).kill()
    client.wait(60)
    client.stdin.close()
    client.stdout.close()
    run(mine, f"ALTER SESSION SET LOCK_TIMEOUT = {PATIENCE}")
    run(mine, "UPDATE T SET X = X + 1")
    assert run(mine, "SELECT X FROM T") == [(2,)]


@pytest.mark.slow
def test_a_client_whose_transaction_was_rolled_back_is_told(connect: Connect) -> None:
    idle, mine = connect(), connect()
    run(idle, "BEGIN")
    run(idle, "UPDATE T SET X = 100")
    run(mine, f"ALTER SESSION SET LOCK_TIMEOUT = {PATIENCE}")
    run(mine, "UPDATE T SET X = X + 1")
    with pytest.raises(DatabaseError, match=r"000625.*idle"):
        run(idle, "INSERT INTO T VALUES (3)")
    run(idle, "INSERT INTO T VALUES (4)")
    assert sorted(run(mine, "SELECT X FROM T")) == [(2,), (4,)]


@pytest.mark.slow
def test_a_transaction_with_a_statement_under_way_is_left(connect: Connect) -> None:
    """The statement takes longer than a client may be idle; and nobody waits for the one that only rests."""
    busy, resting, mine = connect(), connect(), connect()
    run(resting, "CREATE TABLE R (X INT)")
    run(resting, "BEGIN")
    run(resting, "INSERT INTO R VALUES (1)")
    run(busy, "BEGIN")
    run(busy, "UPDATE T SET X = 100")
    long = Background(busy, "CALL SYSTEM$WAIT(9)")
    waiting = Background(mine, "UPDATE T SET X = X + 1")
    assert long.end() is None
    run(busy, "COMMIT")
    assert waiting.end() is None
    assert run(mine, "SELECT X FROM T") == [(101,)]
    run(resting, "COMMIT")
    assert run(mine, "SELECT X FROM R") == [(1,)]


@pytest.mark.slow
def test_a_session_ends_after_a_while(connect: Connect) -> None:
    idle, mine = connect(), connect()
    run(idle, "BEGIN")
    run(idle, "UPDATE T SET X = 100")
    count = "SHOW TRANSACTIONS"
    assert len(run(mine, count)) == 1
    until(lambda: run(mine, count) == [])
    with pytest.raises(DatabaseError, match="390111"):
        run(idle, "COMMIT")
    assert run(mine, "SELECT X FROM T") == [(1,)]


def test_locks_are_shown_and_a_transaction_can_be_aborted(connect_usual: Connect) -> None:
    holder, waiter, mine = connect_usual(), connect_usual(), connect_usual()
    run(holder, "BEGIN")
    run(holder, "UPDATE T SET X = 100")
    (number,) = run(holder, "SELECT CURRENT_TRANSACTION()")[0]
    waiting = Background(waiter, "UPDATE T SET X = X + 1")
    table = {"resource": "T_IDLE_CLIENTS.PUBLIC.T", "type": "PARTITIONS"}

    def rows() -> list[dict[str, Any]]:
        return [r for r in shown(mine, "SHOW LOCKS IN ACCOUNT") if table.items() <= r.items()]

    until(lambda: len(rows()) == 2)
    held, waited = sorted(rows(), key=lambda r: r["status"])
    assert [held["status"], waited["status"]] == ["HOLDING", "WAITING"]
    assert (held["transaction"], held["session"]) == (int(number), holder.session_id)
    assert held["transaction_started_on"] <= held["acquired_on"]
    assert (waited["session"], waited["acquired_on"]) == (waiter.session_id, None)
    assert list(held) == [
        "resource", "type", "transaction", "transaction_started_on", "status", "acquired_on", "query_id", "session",
    ]  # fmt: skip
    listed = {r["id"]: r for r in shown(mine, "SHOW TRANSACTIONS")}
    assert list(listed[int(number)]) == ["id", "user", "session", "name", "started_on", "state", "scope"]
    assert run(mine, f"SELECT SYSTEM$ABORT_TRANSACTION({number})") == [(f"Aborted transaction id: {number}",)]
    assert waiting.end() is None
    assert run(mine, "SELECT X FROM T") == [(2,)]
    with pytest.raises(DatabaseError, match=r"000625.*SYSTEM.ABORT_TRANSACTION"):
        run(holder, "COMMIT")
    with pytest.raises(DatabaseError, match="not open"):
        run(mine, f"SELECT SYSTEM$ABORT_TRANSACTION({number})")


# the connector's own threads fail when their server is gone
@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_stop_does_not_wait_for_statements_that_wait_for_locks(tmp_path: Path) -> None:
    server = LocalSnowflake(tmp_path / "data").start()
    arguments = server.connection() | {"network_timeout": 1, "login_timeout": 5}
    holder, alter, update = (snowflake.connector.connect(**arguments) for _ in range(3))
    try:
        run(holder, "CREATE DATABASE D")
        run(holder, "CREATE TABLE T AS SELECT 1 AS X")
        run(holder, "BEGIN")
        run(holder, "UPDATE D.PUBLIC.T SET X = 100")
        Background(alter, "ALTER TABLE D.PUBLIC.T ADD COLUMN Y INT")
        Background(update, "UPDATE D.PUBLIC.T SET X = 3")
        until(lambda: [r["status"] for r in shown(holder, "SHOW LOCKS")].count("WAITING") == 2)
        assert server.stop() == 0
        left = {path.name for path in server.data_dir.iterdir()}
        assert "snowflake.duckdb.wal" not in left
    finally:
        server.stop()
