"""Transactions, definitions of tables and session parameters: the numbered semantics Q25 - Q27."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import snowflake.connector
from snowflake.connector.cursor import SnowflakeCursor
from snowflake.connector.errors import ProgrammingError
from tests.conformance.marks import deviates, refused

DATABASE = "C_SESSIONS"


@pytest.fixture
def cursor(snowflake_connection: dict[str, Any]) -> Iterator[SnowflakeCursor]:
    with snowflake.connector.connect(**snowflake_connection) as connection:
        made = connection.cursor()
        made.execute(f"CREATE OR REPLACE DATABASE {DATABASE}")
        yield made
        made.execute("ROLLBACK")
        made.execute(f"DROP DATABASE {DATABASE}")


def ask(cursor: SnowflakeCursor, sql: str) -> list[Any]:
    return list(cursor.execute(sql).fetchall())  # type: ignore[union-attr]


@deviates(
    "if what was written before follows from rows that others have changed, or is random, all is rolled back (603)"
)
def test_q25_a_failing_statement(cursor: SnowflakeCursor) -> None:
    """A statement that fails leaves the transaction open, and what was written before it as it is."""
    cursor.execute("CREATE TABLE T (I INT, AT_ VARCHAR)")
    cursor.execute("BEGIN")
    cursor.execute("INSERT INTO T VALUES (1, CURRENT_TIMESTAMP()::VARCHAR)")
    written = ask(cursor, "SELECT * FROM T")
    for failing in ("SELECT 1 / 0", "SELECT NOPE FROM T", "INSERT INTO T SELECT 'x', NULL"):
        with pytest.raises(ProgrammingError):
            cursor.execute(failing)
    cursor.execute("COMMIT")
    assert ask(cursor, "SELECT * FROM T") == written


@refused("what is declared and not done would be found out by its wrong results only")
def test_q26_definitions(cursor: SnowflakeCursor) -> None:
    """Computed columns, COLLATE, CHECK, policies and tags of a table and its columns, schema evolution."""
    for definition in ("A INT, B INT AS (A * 2)", "A VARCHAR COLLATE 'en-ci'", "A INT WITH MASKING POLICY P"):
        with pytest.raises(ProgrammingError, match="Unsupported feature"):
            cursor.execute(f"CREATE TABLE T ({definition})")
    with pytest.raises(ProgrammingError, match="Unsupported feature"):
        cursor.execute("CREATE TABLE T (A INT) ENABLE_SCHEMA_EVOLUTION = TRUE")


@deviates("parameters of formats, weeks, names and limits take only the value that says what the server does")
def test_q27_session_parameters(cursor: SnowflakeCursor) -> None:
    """A session's parameters are set, shown and unset; one that is not known is refused."""
    cursor.execute("ALTER SESSION SET QUERY_TAG = 'mine', LOCK_TIMEOUT = 7")
    assert ask(cursor, "SHOW PARAMETERS LIKE 'LOCK_TIMEOUT'")[0][1] == "7"
    cursor.execute("ALTER SESSION UNSET LOCK_TIMEOUT")
    assert ask(cursor, "SHOW PARAMETERS LIKE 'LOCK_TIMEOUT'")[0][1] == "43200"
    with pytest.raises(ProgrammingError):
        cursor.execute("ALTER SESSION SET NO_SUCH_PARAMETER = 1")
