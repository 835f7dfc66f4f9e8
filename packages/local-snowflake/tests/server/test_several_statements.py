"""Several statements in one request of the connector: https://docs.snowflake.com/en/developer-guide/sql-api/."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import snowflake.connector
from snowflake.connector import SnowflakeConnection
from snowflake.connector.errors import ProgrammingError


@pytest.fixture(scope="module")
def connection(snowflake_connection: dict[str, Any]) -> Iterator[SnowflakeConnection]:
    with snowflake.connector.connect(**snowflake_connection, paramstyle="qmark") as made:
        made.cursor().execute("CREATE OR REPLACE DATABASE T_SEVERAL")
        made.cursor().execute("CREATE TABLE RUNS (N INT)")
        yield made


@pytest.mark.parametrize("count", [3, 0])
def test_each_statement_has_its_result(connection: SnowflakeConnection, count: int) -> None:
    cursor = connection.cursor()
    sql = "SELECT 1 AS A; INSERT INTO RUNS VALUES (7), (8); -- more\nSELECT ';' AS B, 2.50 AS C;"
    cursor.execute(sql, num_statements=count)
    assert cursor.fetchall() == [(1,)]
    assert cursor.nextset()
    assert cursor.rowcount == 2
    assert cursor.nextset()
    assert [column.name for column in cursor.description] == ["B", "C"]
    assert [[str(value) for value in row] for row in cursor.fetchall()] == [[";", "2.50"]]
    assert not cursor.nextset()


def test_bind_values_go_to_the_statements_in_their_order(connection: SnowflakeConnection) -> None:
    cursor = connection.cursor()
    cursor.execute("SELECT ? AS A; SELECT ?, ?", (1, "x", "y"), num_statements=2)
    assert cursor.fetchall() == [(1,)]
    cursor.nextset()
    assert cursor.fetchall() == [("x", "y")]


def test_their_number_is_that_of_the_request(connection: SnowflakeConnection) -> None:
    with pytest.raises(ProgrammingError, match="Actual statement count 2 did not match the desired") as raised:
        connection.cursor().execute("SELECT 1; SELECT 2")
    assert raised.value.errno == 8
    with pytest.raises(ProgrammingError, match="did not match the desired statement count 3"):
        connection.cursor().execute("SELECT 1; SELECT 2", num_statements=3)


def test_the_session_may_allow_any_number(connection: SnowflakeConnection) -> None:
    cursor = connection.cursor()
    cursor.execute("ALTER SESSION SET MULTI_STATEMENT_COUNT = 0")
    try:
        cursor.execute("SET V = 5; SELECT $V")
        assert cursor.nextset()
        assert cursor.fetchall() == [(5,)]
    finally:
        cursor.execute("ALTER SESSION UNSET MULTI_STATEMENT_COUNT")


def test_what_comes_before_a_failure_stays(connection: SnowflakeConnection) -> None:
    cursor = connection.cursor()
    cursor.execute("TRUNCATE TABLE RUNS")
    with pytest.raises(ProgrammingError, match='failed on statement "SELECT NOTHING'):
        cursor.execute("INSERT INTO RUNS VALUES (1); SELECT NOTHING FROM RUNS; DELETE FROM RUNS", num_statements=3)
    cursor.execute("SELECT COUNT(*) FROM RUNS")
    assert cursor.fetchall() == [(1,)]


def test_a_block_is_one_statement(connection: SnowflakeConnection) -> None:
    cursor = connection.cursor()
    cursor.execute("BEGIN LET X := 1; RETURN X + 1; END;")
    assert cursor.fetchall() == [(2,)]
    cursor.execute("BEGIN LET X := 1; RETURN X; END; SELECT 3", num_statements=2)
    assert cursor.nextset()
    assert cursor.fetchall() == [(3,)]


def test_execute_string_runs_a_script(connection: SnowflakeConnection) -> None:
    cursors = list(connection.execute_string("SELECT 1; -- one\nSELECT 2 /* two */;\n"))
    assert [cursor.fetchall() for cursor in cursors] == [[(1,)], [(2,)]]
