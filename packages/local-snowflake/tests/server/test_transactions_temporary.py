"""Temporary tables that Snowpark makes do not commit the open transaction, and go back with it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import snowflake.connector
from snowflake.connector.errors import ProgrammingError

_SKIP: dict[str, Any] = {"SNOWPARK_SKIP_TXN_COMMIT_IN_DDL": True}


class Scene:
    """A session in a schema with an empty table T."""

    def __init__(self, connection: snowflake.connector.SnowflakeConnection) -> None:
        self._cursor = connection.cursor()

    def __call__(self, sql: str, *, as_snowpark: bool = False) -> list[Any]:
        self._cursor.execute(sql, _statement_params=_SKIP if as_snowpark else None)
        return self._cursor.fetchall()

    @property
    def is_open(self) -> bool:
        """Whether a transaction is open."""
        return bool(self("SELECT CURRENT_TRANSACTION() IS NOT NULL")[0][0])


@pytest.fixture
def scene(snowflake_connection: dict[str, Any]) -> Iterator[Scene]:
    with snowflake.connector.connect(**snowflake_connection) as connection:
        made = Scene(connection)
        made("CREATE OR REPLACE DATABASE T_TEMPORARY")
        made("CREATE TABLE T (I INT)")
        yield made


def test_the_transaction_stays_open_and_a_rollback_takes_all_back(scene: Scene) -> None:
    scene("CREATE TEMP TABLE OLD AS SELECT 1 AS I")
    scene("BEGIN")
    scene("INSERT INTO T VALUES (1)")
    scene("CREATE TEMP TABLE NEW AS SELECT * FROM T", as_snowpark=True)
    scene("CREATE OR REPLACE TEMP TABLE OLD AS SELECT 2 AS N", as_snowpark=True)
    scene("CREATE TEMP VIEW SEEN AS SELECT N FROM OLD", as_snowpark=True)
    assert scene.is_open
    assert scene("SELECT * FROM NEW, SEEN") == [(1, 2)]
    scene("DROP TABLE OLD", as_snowpark=True)
    assert scene.is_open
    scene("ROLLBACK")
    assert scene("SELECT * FROM T") == []
    assert scene("SELECT I FROM OLD") == [(1,)]
    for gone in ("NEW", "SEEN"):
        with pytest.raises(ProgrammingError, match="does not exist"):
            scene(f"SELECT * FROM {gone}")


def test_they_outlive_statements_that_fail_and_the_commit(scene: Scene) -> None:
    scene("BEGIN")
    scene("INSERT INTO T VALUES (1)")
    # hides the permanent table
    scene("CREATE TEMP TABLE T AS SELECT 5 AS N", as_snowpark=True)
    for failing in ("INSERT INTO T SELECT 'x'", "CREATE OR REPLACE TEMP TABLE T AS SELECT 1 / 0 AS N"):
        with pytest.raises(ProgrammingError):
            scene(failing, as_snowpark=True)
    assert scene("SELECT * FROM T") == [(5,)]
    scene("DROP TABLE T", as_snowpark=True)
    with pytest.raises(ProgrammingError, match="not recognized"):
        scene("INSERT INTO T SELECT 'x'")
    scene("CREATE TEMP TABLE KEPT (N INT)", as_snowpark=True)
    scene("COMMIT")
    assert scene("SELECT I FROM T") == [(1,)]
    assert scene("SELECT * FROM KEPT") == []


def test_other_statements_about_tables_commit(scene: Scene) -> None:
    scene("BEGIN")
    scene("INSERT INTO T VALUES (1)")
    scene("CREATE TEMP TABLE NEW AS SELECT * FROM T")
    assert not scene.is_open
    scene("BEGIN")
    scene("CREATE TABLE LASTING (I INT)", as_snowpark=True)
    assert not scene.is_open
