"""Streams as objects: kinds, staleness, replacement, clones, views, procedures: S13 - S24."""

from __future__ import annotations

from datetime import timedelta

import pytest
from tests.conformance.marks import deviates
from tests.conformance.stream_account import (  # noqa: F401 (fixtures are used by name)
    Account,
    account_fixture,
    clean_fixture,
    connections_fixture,
    other_fixture,
)


def test_s13_insert_only(account: Account) -> None:
    """INSERT_ONLY is for external tables."""
    assert (
        "Streams of type INSERT_ONLY can only be created on external tables or Iceberg tables with an external catalog "
        "integration."
    ) in account.refusal("CREATE STREAM I ON TABLE T INSERT_ONLY = TRUE")


def numbers(account: Account, source: str) -> list[int]:
    return [row["I"] for row in account(f"SELECT I FROM {source} ORDER BY I")]


@pytest.mark.parametrize("stream", ["S", "A"])
def test_s5_a_table_at_the_offset(account: Account, stream: str) -> None:
    """FROM table AT (STREAM => …) reads the table at the stream's offset, which moves at COMMIT."""
    at = f"(SELECT * FROM T AT (STREAM => '{stream}') AS X)"
    account("UPDATE T SET S = 'y' WHERE I = 1")
    account("DELETE FROM T WHERE I = 2")
    account("INSERT INTO T VALUES (3, 'c')")
    assert [(row["I"], row["S"]) for row in account(f"SELECT * FROM {at} ORDER BY I")] == [(1, "a"), (2, "b")]
    account("BEGIN")
    joined = f"INSERT INTO O SELECT N.I FROM {stream} AS N LEFT JOIN {at} AS B ON B.I = N.I WHERE B.I IS NULL"
    account(joined)
    assert numbers(account, at) == [1, 2]
    account(joined)
    account("COMMIT")
    assert numbers(account, "O") == [3, 3]
    assert numbers(account, at) == numbers(account, "T") == [1, 3]


def test_s14_row_ids(account: Account) -> None:
    """Two streams on a table give a row one id; rows that are there when the table is cloned keep theirs."""
    account("CREATE STREAM OTHER ON TABLE T")
    account("INSERT INTO T VALUES (3, 'c')")
    account("CREATE TABLE CLONED CLONE T")
    account("CREATE STREAM OF_CLONE ON TABLE CLONED")
    account("UPDATE CLONED SET S = 'x' WHERE I = 3")
    ids = {
        row["METADATA$ROW_ID"]
        for stream in ("S", "OTHER", "A", "OF_CLONE")
        for row in account(f"SELECT METADATA$ROW_ID FROM {stream} WHERE I = 3")
    }
    assert len(ids) == 1


def test_s15_one_consumer(account: Account) -> None:
    """A second consumer of a stream gets other rows; a stream of its own gives it all."""
    account("CREATE STREAM OWN ON TABLE T")
    account("INSERT INTO T VALUES (3, 'c')")
    account("INSERT INTO O SELECT I FROM S")
    account("INSERT INTO T VALUES (4, 'd')")
    assert (account.inserted("S"), account.inserted("OWN")) == ([4], [3, 4])


@deviates("the text of a stale stream's error is the local Snowflake's own: Snowflake's is not documented")
@pytest.mark.parametrize(("retention", "extension", "days"), [(1, 14, 14), (0, 90, 90), (1, 0, 1)])
def test_s16_stale_after(account: Account, retention: int, extension: int, days: int) -> None:
    """STALE_AFTER is the last consumption and the longer of the retention time and its extension."""
    account(f"ALTER TABLE T SET DATA_RETENTION_TIME_IN_DAYS = {retention}")
    account(f"ALTER TABLE T SET MAX_DATA_EXTENSION_TIME_IN_DAYS = {extension}")
    shown = account.shown("S")
    assert shown["stale"] == "false"
    assert abs(shown["stale_after"] - shown["created_on"] - timedelta(days=days)) < timedelta(minutes=5)


def test_s17_an_empty_stream_stays_fresh(account: Account) -> None:
    """An empty stream says that it has no data; consuming keeps it from becoming stale, though it finds nothing.

    That asking does so, too, can be seen of an old stream only: ``tests/local_snowflake/test_streams.py``.
    """
    before = account.shown("S")["stale_after"]
    assert not account.has_data("S")
    account("INSERT INTO O SELECT I FROM S")
    assert account.shown("S")["stale_after"] > before
    assert account.shown("S")["stale"] == "false"


def test_s18_replaced_source(account: Account) -> None:
    """RENAME keeps the link; a replaced or dropped source makes its streams stale, the same name does not relink."""
    account("ALTER TABLE T RENAME TO RENAMED")
    account("INSERT INTO RENAMED VALUES (3, 'c')")
    assert account.inserted("S") == [3]
    account("CREATE OR REPLACE TABLE RENAMED (I INT, S STRING)")
    assert "cannot read from stream" in account.refusal("SELECT * FROM S")
    assert account.shown("S")["stale"] == "true"
    account("DROP TABLE RENAMED")
    account("CREATE TABLE T (I INT, S STRING)")
    assert "cannot read from stream" in account.refusal("INSERT INTO O SELECT I FROM S")


def test_s19_replaced_stream(account: Account) -> None:
    """CREATE OR REPLACE resets the offset unless AT names the stream itself; ALTER changes only the comment."""
    account("INSERT INTO T VALUES (3, 'c')")
    account("CREATE OR REPLACE STREAM S ON TABLE T AT (STREAM => 'S')")
    assert account.inserted("S") == [3]
    account("ALTER STREAM S SET COMMENT = 'noted'")
    account("CREATE STREAM IF NOT EXISTS S ON TABLE T")
    assert (account.inserted("S"), account.shown("S")["comment"]) == ([3], "noted")
    assert account.refusal("ALTER STREAM S SET APPEND_ONLY = TRUE")
    account("CREATE OR REPLACE STREAM S ON TABLE T")
    assert account.changes("S") == []


def test_s20_cloned_schema(account: Account) -> None:
    """A cloned stream is on the cloned table; what was not consumed is out of its reach."""
    account("INSERT INTO T VALUES (3, 'c')")
    account("CREATE SCHEMA C_STREAMS.CLONED CLONE C_STREAMS.PUBLIC")
    account("USE SCHEMA C_STREAMS.PUBLIC")
    assert account.changes("C_STREAMS.CLONED.S") == []
    account("INSERT INTO C_STREAMS.CLONED.T VALUES (4, 'd')")
    assert (account.inserted("C_STREAMS.CLONED.S"), account.inserted("S")) == ([4], [3])
    account("DROP SCHEMA C_STREAMS.CLONED")


def test_s21_views(account: Account) -> None:
    """Streams on views of projections, filters and UNION ALL; with aggregates they are refused."""
    account("CREATE VIEW V AS SELECT I * 10 AS TEN, UPPER(S) AS U FROM T WHERE I < 100")
    account("CREATE VIEW W AS SELECT TEN FROM V UNION ALL SELECT I FROM O")
    account("CREATE STREAM ON_V ON VIEW V")
    account("CREATE STREAM ON_W ON VIEW W")
    account("INSERT INTO T VALUES (3, 'c'), (300, 'out')")
    account("UPDATE T SET S = 'z' WHERE I = 1")
    account("INSERT INTO O VALUES (7)")
    assert account.changes("ON_V") == [
        (10, "A", "DELETE", True),
        (10, "Z", "INSERT", True),
        (30, "C", "INSERT", False),
    ]
    assert (30, "INSERT", False) in account.changes("ON_W")
    assert (7, "INSERT", False) in account.changes("ON_W")
    assert account.shown("ON_V")["source_type"] == "View"
    account("CREATE VIEW COUNTED AS SELECT COUNT(*) AS N FROM T")
    assert "not supported" in account.refusal("CREATE STREAM C ON VIEW COUNTED")


@pytest.mark.parametrize(
    "query",
    [
        "SELECT T.I FROM T JOIN O ON T.I = O.I AND EXISTS (SELECT 1 FROM O)",
        "SELECT I FROM T WHERE I IN (SELECT I FROM O)",
        "SELECT TWICE(I) AS N FROM T",
        "SELECT T.I FROM T JOIN O ON TWICE(T.I) = O.I",
        "SELECT I, RANDOM() AS N FROM T",
        "SELECT T.I FROM T JOIN O ON T.I = O.I AND UNIFORM(1, 9, RANDOM()) > 5",
        "SELECT I FROM T SAMPLE (50)",
    ],
)
def test_s21_refused_views(account: Account, query: str) -> None:
    """What a view shows has to follow from its rows: no subquery, random or user-defined function, also not in ON."""
    account("CREATE FUNCTION TWICE(X INT) RETURNS INT AS 'X * 2'")
    account(f"CREATE VIEW V AS {query}")
    assert "not supported" in account.refusal("CREATE STREAM ON_V ON VIEW V")


def test_s21_joins(account: Account) -> None:
    """A join's changes are those of its left side with the right, of its right side with the left, and of both."""
    account("CREATE TABLE R (I INT, N STRING)")
    account("INSERT INTO R VALUES (1, 'one'), (4, 'four')")
    account("CREATE VIEW J AS SELECT T.I, T.S, R.N FROM T JOIN R ON T.I = R.I")
    account("CREATE STREAM ON_J ON VIEW J")
    account("CREATE STREAM SEEN ON VIEW J SHOW_INITIAL_ROWS = TRUE")
    account("BEGIN")
    account("INSERT INTO T VALUES (3, 'c'), (4, 'd')")
    account("INSERT INTO R VALUES (2, 'two'), (3, 'three')")
    account("UPDATE R SET N = 'uno' WHERE I = 1")
    account("COMMIT")
    assert account.changes("SEEN") == [(1, "a", "one", "INSERT", False)]
    assert account.changes("ON_J") == [
        (1, "a", "one", "DELETE", True),
        (1, "a", "uno", "INSERT", True),
        (2, "b", "two", "INSERT", False),
        (3, "c", "three", "INSERT", False),
        (4, "d", "four", "INSERT", False),
    ]
    account("INSERT INTO O SELECT I FROM ON_J")
    assert account.changes("ON_J") == []


def test_s22_present_schema(account: Account) -> None:
    """The columns are those of the table now."""
    account("INSERT INTO T VALUES (3, 'c')")
    account("DELETE FROM T WHERE I = 1")
    account("ALTER TABLE T ADD COLUMN N INT")
    account("ALTER TABLE T RENAME COLUMN S TO TEXT")
    account("UPDATE T SET N = 5 WHERE I = 2")
    assert list(account("SELECT * FROM S")[0])[:3] == ["I", "TEXT", "N"]
    assert account.changes("S") == [
        (1, "a", None, "DELETE", False),
        (2, "b", 5, "INSERT", True),
        (2, "b", None, "DELETE", True),
        (3, "c", None, "INSERT", False),
    ]
    account("ALTER TABLE T DROP COLUMN TEXT")
    assert list(account("SELECT * FROM S")[0])[:2] == ["I", "N"]


def test_s23_procedure(account: Account) -> None:
    """DML in a procedure consumes as outside; a transaction that it rolls back leaves the offset."""
    body = """
def run(session):
    session.sql("BEGIN").collect()
    session.sql("INSERT INTO O SELECT I FROM S").collect()
    session.sql("ROLLBACK").collect()
    pending = session.sql("SELECT COUNT(*) FROM S").collect()[0][0]
    session.sql("BEGIN").collect()
    session.sql("INSERT INTO O SELECT I FROM S").collect()
    session.sql("INSERT INTO O SELECT -I FROM S").collect()
    session.sql("COMMIT").collect()
    return pending
"""
    account(
        "CREATE PROCEDURE P() RETURNS INT LANGUAGE PYTHON RUNTIME_VERSION = '3.11' "
        f"PACKAGES = ('snowflake-snowpark-python') HANDLER = 'run' EXECUTE AS CALLER AS $${body}$$"
    )
    account("INSERT INTO T VALUES (3, 'c')")
    assert next(iter(account("CALL P()")[0].values())) == 1
    assert account.changes("S") == []
    assert sorted(row["I"] for row in account("SELECT I FROM O")) == [-3, 3]


def test_s24_has_data(account: Account) -> None:
    """Never FALSE while there is data, TRUE until DML consumes, even if that finds nothing; quoted names keep case."""
    assert not account.has_data("S")
    account("INSERT INTO T VALUES (3, 'c')")
    assert account.has_data("S")
    account.changes("S")
    assert account.has_data("C_STREAMS.PUBLIC.S")
    account("INSERT INTO O SELECT I FROM S WHERE FALSE")
    assert not account.has_data("S")
    account('CREATE STREAM "lower s" ON TABLE T')
    account("DELETE FROM T WHERE I = 3")
    assert account.has_data('"lower s"')
    assert "does not exist" in account.refusal("SELECT SYSTEM$STREAM_HAS_DATA('lower_s')")
