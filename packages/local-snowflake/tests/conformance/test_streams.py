"""Streams: what a stream shows and when its offset moves: S1 - S12."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest
from tests.conformance.stream_account import (  # noqa: F401 (fixtures are used by name)
    Account,
    account_fixture,
    clean_fixture,
    connections_fixture,
    other_fixture,
)


def test_s1_offset_only(account: Account, other: Account) -> None:
    """A stream holds an offset; a version is made per committed transaction."""
    account("BEGIN")
    account("INSERT INTO T VALUES (3, 'c')")
    account("INSERT INTO T VALUES (4, 'd')")
    assert other.changes("S") == []
    account("COMMIT")
    assert other.inserted("S") == [3, 4]


def test_s2_start(account: Account) -> None:
    """A new stream is empty; with SHOW_INITIAL_ROWS it shows the rows at its start, and later changes once consumed."""
    account("CREATE STREAM FIRST ON TABLE T SHOW_INITIAL_ROWS = TRUE")
    assert account.changes("S") == []
    account("INSERT INTO T VALUES (3, 'c')")
    account("DELETE FROM T WHERE I = 1")
    assert account.changes("FIRST") == [(1, "a", "INSERT", False), (2, "b", "INSERT", False)]
    assert account.has_data("FIRST")
    account("INSERT INTO O SELECT I FROM FIRST")
    assert account.changes("FIRST") == [(1, "a", "DELETE", False), (3, "c", "INSERT", False)]


def test_s3_only_dml_consumes(account: Account) -> None:
    """SELECT never moves the offset, also not in a transaction; DML, CREATE TABLE AS and COPY INTO a location do."""
    account("INSERT INTO T VALUES (3, 'c')")
    account("BEGIN")
    assert account.inserted("S") == [3]
    account("COMMIT")
    assert account.inserted("S") == [3]
    account("CREATE TABLE COPIED AS SELECT I, METADATA$ACTION AS ACTION FROM S")
    assert account("SELECT * FROM COPIED") == [{"I": 3, "ACTION": "INSERT"}]
    assert account.changes("S") == []
    account("INSERT INTO T VALUES (4, 'd')")
    account("MERGE INTO O USING S ON O.I = S.I WHEN NOT MATCHED THEN INSERT (I) VALUES (S.I)")
    account("INSERT INTO T VALUES (5, 'e')")
    account("UPDATE O SET I = -S.I FROM S WHERE O.I = S.I - 1")
    account("INSERT INTO T VALUES (6, 'f')")
    account("DELETE FROM O USING S WHERE O.I = S.I")
    assert account.changes("S") == []
    assert account("SELECT I FROM O") == [{"I": -5}]
    account("CREATE STAGE OUT_")
    account("INSERT INTO T VALUES (7, 'g')")
    account("COPY INTO @OUT_/pending FROM (SELECT I, S FROM S) FILE_FORMAT = (TYPE = CSV)")
    assert account.changes("S") == []
    assert account("SELECT $1 AS I, $2 AS S FROM @OUT_/pending") == [{"I": "7", "S": "g"}]


def test_s4_everything_is_consumed(account: Account) -> None:
    """DML consumes all pending changes, also those that its WHERE drops."""
    account("INSERT INTO T VALUES (3, 'c')")
    account("CREATE TEMPORARY TABLE NOTHING AS SELECT * FROM S WHERE 0 = 1")
    assert account("SELECT * FROM NOTHING") == []
    assert account.changes("S") == []


def test_s5_commit_moves_the_offset(account: Account, other: Account) -> None:
    """The offset moves at COMMIT; ROLLBACK leaves it."""
    account("INSERT INTO T VALUES (3, 'c')")
    account("BEGIN")
    account("INSERT INTO O SELECT I FROM S")
    assert other.inserted("S") == [3]
    account("ROLLBACK")
    assert account.inserted("S") == [3]
    account("BEGIN")
    account("INSERT INTO O SELECT I FROM S")
    account("COMMIT")
    assert account.changes("S") == []
    assert account("SELECT I FROM O") == [{"I": 3}]


def test_s6_repeatable_read(account: Account) -> None:
    """All reads of a transaction see the same; its own changes of the source surface after its commit."""
    account("INSERT INTO T VALUES (3, 'c')")
    account("BEGIN")
    account("INSERT INTO T VALUES (4, 'd')")
    account("DELETE FROM T WHERE I = 3")
    assert account.changes("S") == [(3, "c", "INSERT", False)]
    account("INSERT INTO O SELECT I FROM S")
    assert account.changes("S") == [(3, "c", "INSERT", False)]
    account("COMMIT")
    assert account.changes("S") == [(3, "c", "DELETE", False), (4, "d", "INSERT", False)]


def test_s7_a_transaction_locks_the_stream(account: Account, other: Account) -> None:
    """Several statements get the same rows, the offset moves once; another consumer waits and gets none of them."""
    account("INSERT INTO T VALUES (3, 'c')")
    account("BEGIN")
    account("INSERT INTO O SELECT I FROM S")
    waiting = threading.Thread(target=other, args=("INSERT INTO O SELECT -I FROM S",))
    waiting.start()
    account("INSERT INTO O SELECT I * 100 FROM S")
    waiting.join(0.5)
    assert waiting.is_alive()
    account("COMMIT")
    waiting.join(30)
    assert sorted(row["I"] for row in account("SELECT I FROM O")) == [3, 300]


def test_s8_later_changes_stay_pending(account: Account, other: Account) -> None:
    """Rows that change after the consuming transaction began stay pending."""
    account("INSERT INTO T VALUES (3, 'c')")
    account("BEGIN")
    other("INSERT INTO T VALUES (4, 'd')")
    account("INSERT INTO O SELECT I FROM S")
    other("UPDATE T SET S = 'later' WHERE I = 3")
    account("COMMIT")
    assert account("SELECT I FROM O") == [{"I": 3}]
    assert account.changes("S") == [
        (3, "c", "DELETE", True),
        (3, "later", "INSERT", True),
        (4, "d", "INSERT", False),
    ]


def test_s9_columns(account: Account) -> None:
    """The source's columns, then three of metadata; an update is a DELETE and an INSERT with one row id."""
    account("UPDATE T SET S = 'z' WHERE I = 1")
    rows = account("SELECT * FROM S")
    assert list(rows[0]) == ["I", "S", "METADATA$ACTION", "METADATA$ISUPDATE", "METADATA$ROW_ID"]
    assert {(r["METADATA$ACTION"], r["S"]) for r in rows} == {("DELETE", "a"), ("INSERT", "z")}
    assert all(r["METADATA$ISUPDATE"] for r in rows)
    assert len({r["METADATA$ROW_ID"] for r in rows}) == 1


@pytest.mark.parametrize(
    ("statements", "net"),
    [
        (
            ["INSERT INTO T VALUES (3, 'c')", "UPDATE T SET S = 'd' WHERE I = 3", "UPDATE T SET S = 'e' WHERE I = 3"],
            [(3, "e", "INSERT", False)],
        ),
        (["INSERT INTO T VALUES (3, 'c')", "DELETE FROM T WHERE I = 3"], []),
        (
            ["UPDATE T SET S = 'x' WHERE I = 1", "UPDATE T SET S = 'y' WHERE I = 1"],
            [(1, "a", "DELETE", True), (1, "y", "INSERT", True)],
        ),
        (["UPDATE T SET S = 'x' WHERE I = 1", "DELETE FROM T WHERE I = 1"], [(1, "a", "DELETE", False)]),
        (["TRUNCATE TABLE T"], [(1, "a", "DELETE", False), (2, "b", "DELETE", False)]),
        (
            ["INSERT OVERWRITE INTO T VALUES (9, 'i')"],
            [(1, "a", "DELETE", False), (2, "b", "DELETE", False), (9, "i", "INSERT", False)],
        ),
        (
            [
                """MERGE INTO T USING (SELECT 1 AS I UNION ALL SELECT 2 UNION ALL SELECT 3) X ON T.I = X.I
                WHEN MATCHED AND X.I = 1 THEN DELETE WHEN MATCHED THEN UPDATE SET T.S = 'm'
                WHEN NOT MATCHED THEN INSERT VALUES (X.I, 'n')"""
            ],
            [(1, "a", "DELETE", False), (2, "b", "DELETE", True), (2, "m", "INSERT", True), (3, "n", "INSERT", False)],
        ),
    ],
)
def test_s10_net_delta(account: Account, statements: list[str], net: list[tuple[Any, ...]]) -> None:
    """A standard stream shows the net change of each row."""
    for statement in statements:
        account(statement)
    assert account.changes("S") == net


def test_s11_begun_in_the_past(account: Account) -> None:
    """A stream begun AT or BEFORE a point keeps rows one by one: a row deleted and inserted again is both."""
    account("DELETE FROM T WHERE I = 1")
    deleted = account.query_id
    account("INSERT INTO T VALUES (1, 'a')")
    account(f"CREATE STREAM EARLIER ON TABLE T BEFORE (STATEMENT => '{deleted}')")
    account(f"CREATE STREAM LATER ON TABLE T AT (STATEMENT => '{deleted}')")
    assert account.changes("EARLIER") == [(1, "a", "DELETE", False), (1, "a", "INSERT", False)]
    assert account.changes("LATER") == [(1, "a", "INSERT", False)]


def test_s11_begun_at_a_time(account: Account) -> None:
    """AT takes a time, an offset in seconds, or the place of another stream."""
    account("INSERT INTO T VALUES (3, 'c')")
    time.sleep(0.05)
    moment = account("SELECT CURRENT_TIMESTAMP()::TIMESTAMP_NTZ::STRING AS NOW")[0]["NOW"]
    time.sleep(5)
    account("INSERT INTO T VALUES (4, 'd')")
    account(f"CREATE STREAM TIMED ON TABLE T AT (TIMESTAMP => '{moment}'::TIMESTAMP_NTZ)")
    account("CREATE STREAM SECONDS ON TABLE T AT (OFFSET => -4)")
    account("CREATE STREAM BESIDE ON TABLE T AT (STREAM => 'S')")
    assert [account.inserted(s) for s in ("TIMED", "SECONDS", "BESIDE")] == [[4], [4], [3, 4]]


def test_s11_begun_before_a_commit(account: Account, other: Account) -> None:
    """A version's time is that of its commit: what was not committed at the stream's start is in the stream."""
    other("BEGIN")
    other("INSERT INTO T VALUES (3, 'c')")
    other("UPDATE T SET S = 'z' WHERE I = 1")
    moment = account("SELECT CURRENT_TIMESTAMP()::TIMESTAMP_NTZ::STRING AS NOW")[0]["NOW"]
    time.sleep(0.05)
    other("COMMIT")
    account(f"CREATE STREAM TIMED ON TABLE T AT (TIMESTAMP => '{moment}'::TIMESTAMP_NTZ)")
    assert account.changes("TIMED") == [(1, "a", "DELETE", True), (1, "z", "INSERT", True), (3, "c", "INSERT", False)]
    account("INSERT INTO T VALUES (4, 'd')")
    assert account.inserted("TIMED") == [1, 3, 4]


def test_s12_append_only(account: Account) -> None:
    """An append-only stream shows inserts only: of ten inserted rows it shows ten, though five were deleted."""
    account("INSERT INTO T SELECT SEQ4() + 10, 'n' FROM TABLE(GENERATOR(ROWCOUNT => 10))")
    account("DELETE FROM T WHERE I >= 15")
    account("UPDATE T SET S = 'changed'")
    assert account.inserted("A") == list(range(10, 20))
    account("INSERT INTO O SELECT I FROM A")
    account("TRUNCATE TABLE T")
    assert account.changes("A") == []
    assert not account.has_data("A")
