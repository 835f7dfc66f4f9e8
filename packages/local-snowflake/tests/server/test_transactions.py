"""A failing statement leaves its transaction as it was: what was written before is what is committed, or nothing is."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
import snowflake.connector
from snowflake.connector.errors import ProgrammingError
from tests.conformance.account import Account

FAILING = "SELECT 1 / 0"


@pytest.fixture
def accounts(snowflake_connection: dict[str, Any]) -> Iterator[tuple[Account, Account]]:
    """Two sessions, in a schema with the empty tables B and R."""
    connect = snowflake.connector.connect
    with connect(**snowflake_connection) as first, connect(**snowflake_connection) as second:
        first.cursor().execute("CREATE OR REPLACE DATABASE T_TRANSACTIONS")
        for table in ("B", "R"):
            first.cursor().execute(f"CREATE TABLE T_TRANSACTIONS.PUBLIC.{table} (I INT, S VARCHAR)")
        second.cursor().execute("USE SCHEMA T_TRANSACTIONS.PUBLIC")
        yield Account(first), Account(second)


@pytest.mark.parametrize("failing", ["SELECT NOPE FROM B", "SELECT * FROM NOPE", "SELECT FROM WHERE"])
def test_a_statement_that_cannot_be_read_changes_nothing(accounts: tuple[Account, Account], failing: str) -> None:
    account, other = accounts
    account("BEGIN")
    account("INSERT INTO R SELECT COUNT(*), UUID_STRING() FROM B")
    written = account("SELECT * FROM R")
    other("INSERT INTO B VALUES (1, 'a')")
    account.refusal(failing)
    assert account("SELECT * FROM R") == written
    account("COMMIT")
    assert other("SELECT * FROM R") == written


def test_a_statement_that_fails_as_it_runs_changes_nothing(accounts: tuple[Account, Account]) -> None:
    account, other = accounts
    account("BEGIN")
    account("INSERT INTO R SELECT COUNT(*), CURRENT_TIMESTAMP()::VARCHAR FROM B")
    written = account("SELECT * FROM R")
    time.sleep(0.05)
    other("CREATE TABLE C AS SELECT 1 AS X")
    assert "Division by zero" in str(account.refusal(FAILING))
    assert "not recognized" in str(account.refusal("INSERT INTO R SELECT 'x', NULL"))
    assert account("SELECT * FROM R") == written
    account("COMMIT")
    assert other("SELECT * FROM R") == written


@pytest.mark.parametrize(
    ("writes", "reason"),
    [
        ("INSERT INTO R SELECT COUNT(*), NULL FROM B", "table T_TRANSACTIONS.PUBLIC.B, which it reads, was changed"),
        ("UPDATE B SET S = 'z'", "table T_TRANSACTIONS.PUBLIC.B, which it reads, was changed"),
        ("INSERT INTO R SELECT 1, V.S FROM V", "table T_TRANSACTIONS.PUBLIC.B, which it reads, was changed"),
        ("INSERT INTO R SELECT 1, UUID_STRING()", r"UUID_STRING\(\) gives another value each time"),
        ("INSERT INTO NUMBERED (S) VALUES ('a')", "column I gets its value from a sequence"),
    ],
)
def test_what_would_be_written_otherwise_is_rolled_back(
    accounts: tuple[Account, Account], writes: str, reason: str
) -> None:
    account, other = accounts
    account("INSERT INTO B VALUES (0, 'zero')")
    account("CREATE VIEW V AS SELECT S FROM B")
    account("CREATE TABLE NUMBERED (I INT IDENTITY, S VARCHAR)")
    account("BEGIN")
    account(writes)
    other("INSERT INTO B VALUES (1, 'a'), (2, 'b')")
    with pytest.raises(ProgrammingError, match=rf"(?s)rolled back.*Division by zero.*{reason}") as caught:
        account(FAILING)
    assert caught.value.errno == 603
    assert account("SELECT CURRENT_TRANSACTION()") == [(None,)]
    assert account("SELECT * FROM R") == account("SELECT * FROM NUMBERED") == []
    assert sorted(account("SELECT * FROM B")) == [(0, "zero"), (1, "a"), (2, "b")]


def test_a_statement_that_gets_no_lock_changes_nothing(accounts: tuple[Account, Account]) -> None:
    account, other = accounts
    other("INSERT INTO B VALUES (1, 'a')")
    other("BEGIN")
    other("UPDATE B SET S = 'z'")
    account("ALTER SESSION SET LOCK_TIMEOUT = 1")
    account("BEGIN")
    account("INSERT INTO R SELECT 1, UUID_STRING()")
    written = account("SELECT * FROM R")
    assert "LOCK_TIMEOUT" in str(account.refusal("UPDATE B SET S = 'y'"))
    other("COMMIT")
    account("COMMIT")
    assert account("SELECT * FROM R") == written
    assert account("SELECT S FROM B") == [("z",)]


def test_a_replaced_table_is_a_changed_one(accounts: tuple[Account, Account]) -> None:
    account, other = accounts
    account("BEGIN")
    account("INSERT INTO R SELECT COUNT(*), NULL FROM B")
    other("CREATE OR REPLACE TABLE B AS SELECT 1 AS I, 'a' AS S")
    assert "T_TRANSACTIONS.PUBLIC.B, which it reads, was changed" in str(account.refusal(FAILING))
    assert account("SELECT * FROM R") == []


def test_the_current_time_is_that_of_the_statement(accounts: tuple[Account, Account]) -> None:
    account, _ = accounts
    account("BEGIN")
    account("INSERT INTO R VALUES (1, CURRENT_TIMESTAMP()::VARCHAR)")
    time.sleep(0.05)
    account("INSERT INTO R VALUES (2, CURRENT_TIMESTAMP()::VARCHAR)")
    ((first,), (second,), (now,)) = account(
        "SELECT S FROM (SELECT I, S FROM R UNION ALL SELECT 3, CURRENT_TIMESTAMP()::VARCHAR) ORDER BY I"
    )
    assert first < second < now
    account("COMMIT")
    account("ALTER SESSION SET TIMEZONE = 'Asia/Tokyo'")
    local = "CURRENT_TIMESTAMP()::TIMESTAMP_NTZ"
    (row,) = account(f"SELECT CURRENT_DATE() = {local}::DATE, CURRENT_TIME()::VARCHAR = {local}::TIME::VARCHAR")
    assert row == (True, True)
