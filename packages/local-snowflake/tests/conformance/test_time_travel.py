"""Time Travel and CHANGES in queries: the numbered semantics Q11 - Q14."""

from __future__ import annotations

import time
from typing import Any

import pytest
import snowflake.connector
from tests.conformance.account import Account
from tests.conformance.marks import deviates, refused

DATABASE = "C_TIME_TRAVEL"


@pytest.fixture
def changed(account: Account) -> tuple[Account, str, str]:
    """The table T, that was changed; the id of the UPDATE, and a moment before it."""
    account("CREATE OR REPLACE TABLE T (I INT, S VARCHAR) DATA_RETENTION_TIME_IN_DAYS = 1")
    account("INSERT INTO T VALUES (1, 'a'), (2, 'b')")
    time.sleep(0.05)
    moment = account("SELECT CURRENT_TIMESTAMP()::TIMESTAMP_NTZ::STRING")[0][0]
    time.sleep(5)
    account("UPDATE T SET S = 'new' WHERE I = 1")
    update = str(account.cursor.sfqid)
    account("DELETE FROM T WHERE I = 2")
    return account, update, moment


@deviates("only tables that name DATA_RETENTION_TIME_IN_DAYS or CHANGE_TRACKING, or have a stream, keep their past")
def test_q11_at_and_before(changed: tuple[Account, str, str]) -> None:
    """AT and BEFORE a time, an offset or a statement give a table as it was; in joins, in views, in subqueries, too."""
    account, update, moment = changed
    assert account("SELECT * FROM T") == [(1, "new")]
    assert account(f"SELECT * FROM T BEFORE (STATEMENT => '{update}') ORDER BY I") == [(1, "a"), (2, "b")]
    assert account(f"SELECT * FROM T AT (STATEMENT => '{update}') ORDER BY I") == [(1, "new"), (2, "b")]
    assert account(f"SELECT S FROM T AT (TIMESTAMP => '{moment}'::TIMESTAMP_NTZ) AS X WHERE X.I = 1") == [("a",)]
    assert account("SELECT COUNT(*) FROM T AT (OFFSET => -2 * 2)") == [(2,)]
    joined = f"SELECT N.S, O.S FROM T N JOIN T BEFORE (STATEMENT => '{update}') O ON N.I = O.I"
    assert account(joined) == [("new", "a")]
    account("CREATE OR REPLACE VIEW V AS SELECT COUNT(*) AS C FROM T")
    assert account(f"SELECT V.C, (SELECT C FROM V BEFORE (STATEMENT => '{update}')) FROM V") == [(1, 2)]


def test_q11_what_was_not_committed_then(account: Account, snowflake_connection: dict[str, Any]) -> None:
    """AT a time leaves out what a transaction had written by then and not committed, for that transaction, too."""
    account("CREATE OR REPLACE TABLE T (I INT) DATA_RETENTION_TIME_IN_DAYS = 1")
    account("INSERT INTO T VALUES (1)")
    with snowflake.connector.connect(**snowflake_connection) as connection:
        other = Account(connection)
        other(f"USE SCHEMA {DATABASE}.PUBLIC")
        time.sleep(0.05)
        other("BEGIN")
        other("INSERT INTO T VALUES (2)")
        moment = account("SELECT CURRENT_TIMESTAMP()::TIMESTAMP_NTZ::STRING")[0][0]
        then = f"SELECT I FROM T AT (TIMESTAMP => '{moment}'::TIMESTAMP_NTZ)"
        assert other(then) == [(1,)]
        time.sleep(0.05)
        other("COMMIT")
    assert account(then) == [(1,)]
    assert sorted(account("SELECT I FROM T")) == [(1,), (2,)]


def test_q12_clones_of_the_past(changed: tuple[Account, str, str]) -> None:
    """CREATE TABLE … CLONE … BEFORE brings back what a statement destroyed; what it keeps shows as it was declared."""
    account, update, _ = changed
    account(f"CREATE OR REPLACE TABLE BACK CLONE T BEFORE (STATEMENT => '{update}')")
    assert account("SELECT * FROM BACK ORDER BY I") == [(1, "a"), (2, "b")]
    shown = """SHOW TABLES LIKE 'T' IN SCHEMA C_TIME_TRAVEL.PUBLIC ->> SELECT "change_tracking", "rows" FROM $1"""
    assert account(shown) == [("OFF", 1)]


def test_q13_outside_of_retention(changed: tuple[Account, str, str]) -> None:
    """A point before the table was made, or beyond its retention time, is refused."""
    account, _, _ = changed
    for point in ("OFFSET => -3600", "TIMESTAMP => '2020-01-01'::TIMESTAMP_LTZ"):
        refusal = account.refusal(f"SELECT * FROM T AT ({point})")
        assert (refusal.errno, "Time travel data is not available for table T." in str(refusal.msg)) == (707, True)
    assert account.refusal("SELECT * FROM T BEFORE (STATEMENT => '0000')").errno == 709


@refused("keeping the past of every table would make each UPDATE and DELETE write what it replaces")
def test_q13_tables_without_a_past(account: Account) -> None:
    """A table for which nothing asks for a past has none here; streams have none in any case."""
    account("CREATE OR REPLACE TABLE PLAIN (I INT)")
    assert "DATA_RETENTION_TIME_IN_DAYS" in str(account.refusal("SELECT * FROM PLAIN AT (OFFSET => -1)").msg)
    account("CREATE OR REPLACE STREAM ST ON TABLE PLAIN")
    assert account.refusal("SELECT * FROM ST AT (OFFSET => -1)").errno == 2
    account("ALTER TABLE PLAIN SET CHANGE_TRACKING = TRUE")
    assert account("SELECT * FROM PLAIN AT (OFFSET => 0)") == []


def test_q14_changes(account: Account) -> None:
    """CHANGES gives the net or the appended changes between two points of a table with change tracking."""
    account("CREATE OR REPLACE TABLE C (I INT, S VARCHAR) CHANGE_TRACKING = TRUE")
    account("INSERT INTO C VALUES (1, 'a')")
    first = account.cursor.sfqid
    account("INSERT INTO C VALUES (2, 'b')")
    second = account.cursor.sfqid
    account("UPDATE C SET S = 'z' WHERE I = 1")
    account("DELETE FROM C WHERE I = 2")
    shown = "I, S, METADATA$ACTION, METADATA$ISUPDATE"
    since = f"AT (STATEMENT => '{first}')"
    net = account(f"SELECT {shown} FROM C CHANGES (INFORMATION => DEFAULT) {since} ORDER BY S")
    assert net == [(1, "a", "DELETE", True), (1, "z", "INSERT", True)]
    appended = f"SELECT {shown} FROM C CHANGES (INFORMATION => APPEND_ONLY) {since} END (STATEMENT => '{second}')"
    assert account(appended) == [(2, "b", "INSERT", False)]
    assert account("SELECT * FROM C") == [(1, "z")]
    account("CREATE OR REPLACE TABLE UNTRACKED (I INT) DATA_RETENTION_TIME_IN_DAYS = 1")
    refusal = account.refusal("SELECT * FROM UNTRACKED CHANGES (INFORMATION => DEFAULT) AT (OFFSET => 0)")
    assert (refusal.errno, "Change tracking is not enabled" in str(refusal.msg)) == (707, True)
