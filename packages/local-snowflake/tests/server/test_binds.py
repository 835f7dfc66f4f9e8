"""Bind values of the connector: batches with NULLs, placeholders that are cast, columns of times that come back."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

import pytest
import snowflake.connector
from snowflake.connector.errors import DatabaseError


@pytest.fixture(scope="module")
def connection(snowflake_connection: dict[str, Any]) -> Iterator[snowflake.connector.SnowflakeConnection]:
    with snowflake.connector.connect(**snowflake_connection, paramstyle="qmark") as made:
        made.cursor().execute("CREATE OR REPLACE DATABASE T_BINDS")
        yield made


def run(connection: snowflake.connector.SnowflakeConnection, sql: str, *values: Any) -> list[Any]:
    return connection.cursor().execute(sql, values or None).fetchall()  # type: ignore[union-attr]


MOMENT = dt.datetime(2024, 2, 29, 12, 34, 56, 789012, dt.UTC).replace(tzinfo=None)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("DATE", dt.date(2024, 2, 29)),
        ("DATE", dt.date(1969, 12, 31)),
        ("TIME", dt.time(23, 59, 58, 123456)),
        ("TIMESTAMP_NTZ", MOMENT),
        ("TIMESTAMP_LTZ", MOMENT.replace(tzinfo=dt.UTC)),
        ("BINARY", b"\xff\x00"),
        ("BINARY", b"12"),
        ("BOOLEAN", True),
        ("INT", 12),
        ("FLOAT", 0.5),
        ("VARCHAR", "12"),
    ],
)
@pytest.mark.parametrize("columns", ["", " (V, N)"], ids=["all columns", "named columns"])
def test_a_batch_may_contain_null(
    connection: snowflake.connector.SnowflakeConnection, kind: str, value: Any, columns: str
) -> None:
    order = "N INT, V" if not columns else "OTHER DATE, N INT, V"
    run(connection, f"CREATE OR REPLACE TABLE T ({order} {kind})")
    rows = [(1, value), (2, None), (3, value)]
    given = [row[::-1] for row in rows] if columns else rows
    connection.cursor().executemany(f"INSERT INTO T{columns} VALUES (?, ?)", given)
    assert run(connection, "SELECT N, V FROM T ORDER BY N") == rows


def test_a_batch_of_texts_is_read_as_dates(connection: snowflake.connector.SnowflakeConnection) -> None:
    run(connection, "CREATE OR REPLACE TABLE T (D DATE)")
    connection.cursor().executemany("INSERT INTO T VALUES (?)", [("2024-02-29",), (None,), (dt.date(2024, 3, 1),)])
    found = run(connection, "SELECT D FROM T ORDER BY D NULLS LAST")
    assert found == [(dt.date(2024, 2, 29),), (dt.date(2024, 3, 1),), (None,)]


def test_a_batch_of_texts_that_are_no_bytes_is_refused(connection: snowflake.connector.SnowflakeConnection) -> None:
    run(connection, "CREATE OR REPLACE TABLE T (B BINARY)")
    with pytest.raises(DatabaseError, match="not a legal hex-encoded value: 'xy'"):
        connection.cursor().executemany("INSERT INTO T VALUES (?)", [("xy",), (None,)])


def test_a_placeholder_may_be_cast_without_a_space(connection: snowflake.connector.SnowflakeConnection) -> None:
    assert run(connection, "SELECT ?::INT + 1, ?::VARCHAR, ? ::INT", 1, 2, 3) == [(2, "2", 3)]
    run(connection, "CREATE OR REPLACE TABLE T (N INT, S VARCHAR)")
    connection.cursor().executemany("INSERT INTO T VALUES (?::INT, ?)", [("1", "a"), ("2", None)])
    assert run(connection, "SELECT * FROM T ORDER BY N") == [(1, "a"), (2, None)]


@pytest.mark.parametrize("scale", [0, 3, 6, 9])
def test_times_come_back_in_their_columns_scale(
    connection: snowflake.connector.SnowflakeConnection, scale: int
) -> None:
    run(connection, f"CREATE OR REPLACE TABLE T (T TIME({scale}))")
    run(connection, "INSERT INTO T VALUES ('23:59:58'), (NULL), ('00:00:00')")
    found = run(connection, "SELECT T FROM T ORDER BY T NULLS LAST")
    assert found == [(dt.time(0),), (dt.time(23, 59, 58),), (None,)]
