"""What a session keeps: parameters, variables, the ids of its statements, its transaction."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import snowflake.connector
from snowflake.connector.cursor import SnowflakeCursor
from snowflake.connector.errors import Error, ProgrammingError


@pytest.fixture
def cursor(snowflake_connection: dict[str, Any]) -> Iterator[SnowflakeCursor]:
    with snowflake.connector.connect(**snowflake_connection) as connection:
        made = connection.cursor()
        made.execute("CREATE OR REPLACE DATABASE T_SESSIONS")
        yield made


def ask(cursor: SnowflakeCursor, sql: str) -> list[Any]:
    return list(cursor.execute(sql).fetchall())  # type: ignore[union-attr]


def with_parameters(connection: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    """A connection's arguments with more session parameters."""
    return connection | {"session_parameters": connection.get("session_parameters", {}) | given}


def parameter(cursor: SnowflakeCursor, key: str) -> str:
    return str(ask(cursor, f"SHOW PARAMETERS LIKE '{key}'")[0][1])


@pytest.mark.parametrize(
    ("sql", "message"),
    {
        "ALTER SESSION SET TIMESTAMP_TYPE_MAPPING = 'TIMESTAMP_LTZ'": "feature 'parameter TIMESTAMP_TYPE_MAPPING",
        "ALTER SESSION SET DATE_OUTPUT_FORMAT = 'DD.MM.YYYY'": "feature 'parameter DATE_OUTPUT_FORMAT",
        "ALTER SESSION SET WEEK_START = 1": "feature 'parameter WEEK_START = 1: it is always 0",
        "ALTER SESSION SET QUOTED_IDENTIFIERS_IGNORE_CASE = TRUE": "feature 'parameter QUOTED_IDENTIFIERS",
        "ALTER SESSION SET NO_SUCH_PARAMETER = 1": "feature 'parameter NO_SUCH_PARAMETER'",
        "ALTER SESSION UNSET NO_SUCH_PARAMETER": "feature 'parameter NO_SUCH_PARAMETER'",
        "CREATE TASK TK SCHEDULE = '1 HOUR' WEEK_START = 1 AS SELECT 1": "feature 'parameter WEEK_START = 1",
        "ALTER SESSION SET LOCK_TIMEOUT = 'soon'": r"invalid value \[soon\] for parameter 'LOCK_TIMEOUT'",
        "ALTER SESSION SET AUTOCOMMIT = '2'": r"invalid value \[2\] for parameter 'AUTOCOMMIT'",
        "ALTER SESSION SET TIMEZONE = 'Nowhere'": r"invalid value \[Nowhere\] for parameter 'TIMEZONE'",
    }.items(),
)
def test_what_a_parameter_cannot_be_is_refused(cursor: SnowflakeCursor, sql: str, message: str) -> None:
    with pytest.raises(ProgrammingError, match=message):
        cursor.execute(sql)


@pytest.mark.parametrize(
    ("key", "value"),
    [("TIMESTAMP_TYPE_MAPPING", "timestamp_ntz"), ("WEEK_START", 0), ("QUOTED_IDENTIFIERS_IGNORE_CASE", "FALSE")],
)
def test_a_parameter_may_say_what_the_server_does(cursor: SnowflakeCursor, key: str, value: object) -> None:
    cursor.execute(f"ALTER SESSION SET {key} = {value}")
    assert parameter(cursor, key).upper() == str(value).upper()
    cursor.execute("CREATE TASK TK SCHEDULE = '1 HOUR' WEEK_START = 0 QUERY_TAG = 'mine' AS SELECT 1")


@pytest.mark.parametrize("key", ["PYTHON_SNOWPARK_USE_SQL_SIMPLIFIER", "ENABLE_DEFAULT_PYTHON_ARTIFACT_REPOSITORY"])
def test_clients_may_set_what_they_alone_look_at(cursor: SnowflakeCursor, key: str) -> None:
    for value in ("TRUE", "FALSE"):
        ask(cursor, f"ALTER SESSION SET {key} = {value}")
        assert parameter(cursor, key).upper() == value


def test_clients_may_log_in_with_parameters_that_the_server_does_not_know(snowflake_connection: dict[str, Any]) -> None:
    given = {"QUERY_TAG": "mine", "CLIENT_PREFETCH_THREADS": 7, "ENABLE_SOMETHING_NEW": True, "TIMEZONE": "Asia/Tokyo"}
    with snowflake.connector.connect(**with_parameters(snowflake_connection, given)) as connection:
        cursor = connection.cursor()
        assert [parameter(cursor, key) for key in ("QUERY_TAG", "TIMEZONE")] == ["mine", "Asia/Tokyo"]
        cursor.execute("ALTER SESSION SET CLIENT_TIMESTAMP_TYPE_MAPPING = 'TIMESTAMP_LTZ'")


def test_a_login_that_asks_for_another_behaviour_fails(snowflake_connection: dict[str, Any]) -> None:
    with pytest.raises(Error, match="parameter WEEK_START = 1: it is always 0"):
        snowflake.connector.connect(**with_parameters(snowflake_connection, {"WEEK_START": 1}))


def test_a_statement_may_not_ask_for_another_behaviour_either(cursor: SnowflakeCursor) -> None:
    cursor.execute("SELECT 1", _statement_params={"QUERY_TAG": "mine", "ENABLE_SOMETHING_NEW": "TRUE"})
    with pytest.raises(ProgrammingError, match="parameter WEEK_START = 1: it is always 0"):
        cursor.execute("SELECT 1", _statement_params={"WEEK_START": "1"})


def test_last_query_id_counts_from_both_ends(cursor: SnowflakeCursor) -> None:
    cursor.execute("SELECT 'one' AS X")
    one = cursor.sfqid
    cursor.execute("SELECT 'two' AS X")
    assert ask(cursor, "SELECT * FROM TABLE(RESULT_SCAN(LAST_QUERY_ID(-2)))") == [("one",)]
    assert ask(cursor, "SELECT * FROM TABLE(RESULT_SCAN(LAST_QUERY_ID(-2)))") == [("two",)]
    with pytest.raises(ProgrammingError, match="Division by zero"):
        cursor.execute("SELECT 1 / 0")
    failed = cursor.sfqid
    assert ask(cursor, "SELECT LAST_QUERY_ID(), LAST_QUERY_ID(-5)") == [(failed, one)]
    first = ask(cursor, "SELECT LAST_QUERY_ID(1)")[0][0]
    assert first == ask(cursor, "SELECT LAST_QUERY_ID(1)")[0][0] != one
    assert ask(cursor, "SELECT LAST_QUERY_ID(-1000), LAST_QUERY_ID(1000)") == [(None, None)]


def test_setting_a_variable_is_one_statement(cursor: SnowflakeCursor) -> None:
    cursor.execute("SELECT 'one' AS X")
    cursor.execute("SET V = 5")
    assert ask(cursor, "SELECT * FROM TABLE(RESULT_SCAN(LAST_QUERY_ID(-2)))") == [("one",)]


def test_the_current_transaction_has_a_number_of_its_own(cursor: SnowflakeCursor) -> None:
    current = "SELECT CURRENT_TRANSACTION()"
    assert ask(cursor, current) == [(None,)]
    numbers = []
    for _ in range(2):
        cursor.execute("BEGIN")
        numbers.append(ask(cursor, current)[0][0])
        assert ask(cursor, current) == [(numbers[-1],)]
        cursor.execute("COMMIT")
    assert all(number.isdigit() for number in numbers)
    assert numbers[0] != numbers[1]


def test_a_variable_may_name_an_object(cursor: SnowflakeCursor) -> None:
    cursor.execute("SET TN = 'T_SESSIONS.PUBLIC.T'")
    cursor.execute("CREATE TABLE IDENTIFIER($TN) (A INT)")
    cursor.execute("INSERT INTO IDENTIFIER($tn) VALUES (1)")
    assert ask(cursor, "SELECT X.A FROM IDENTIFIER($tn) AS X WHERE X.A = 1") == [(1,)]
    assert [c.name for c in cursor.describe("SELECT * FROM IDENTIFIER($TN)")] == ["A"]
    with pytest.raises(ProgrammingError, match=r"Session variable '.NOPE' does not exist"):
        cursor.execute("SELECT * FROM IDENTIFIER($NOPE)")
