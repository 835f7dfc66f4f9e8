"""A failing statement that calls a function fails alone: the session and its transaction go on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from snowflake.snowpark import Session
from snowflake.snowpark.exceptions import SnowparkSQLException
from tests.server.functions import functions_session, one

# each calls a function, and fails after it was called or before
FAILING = [
    "INSERT INTO D SELECT ADD1(A), ADD1(A) / 0 FROM T",
    "SELECT ADD1(A), ADD1(A) / 0 FROM T",
    "SELECT ADD1(A), 'x'::INT FROM T",
    "CREATE OR REPLACE TABLE ZZ AS SELECT ADD1(A) AS B, 'x'::INT AS C FROM T",
    "CREATE OR REPLACE TABLE ZZ (N INT DEFAULT ADD1(2))",
    "UPDATE D SET A = ADD1(A) / 0",
    "DELETE FROM D WHERE ADD1(A) / 0 = 1",
    "MERGE INTO D USING T ON D.A = T.A WHEN MATCHED THEN UPDATE SET A = ADD1(T.A) / 0",
]


@pytest.fixture(scope="module")
def session(snowflake_connection: dict[str, Any]) -> Iterator[Session]:
    with functions_session(snowflake_connection, "T_FAILING_CALLS") as made:
        yield made


def run(session: Session, *statements: str) -> None:
    for sql in statements:
        session.sql(sql).collect()


@pytest.mark.parametrize("sql", FAILING)
def test_outside_a_transaction(session: Session, sql: str) -> None:
    run(session, "CREATE OR REPLACE TABLE D AS SELECT 1 AS A")
    with pytest.raises(SnowparkSQLException):
        run(session, sql)
    run(session, "INSERT INTO D SELECT ADD1(A) FROM T WHERE A = 1")
    assert one(session, "SELECT LISTAGG(A, ',') WITHIN GROUP (ORDER BY A) FROM D") == "1,2"


@pytest.mark.parametrize("end", ["COMMIT", "ROLLBACK"])
@pytest.mark.parametrize("sql", [sql for sql in FAILING if not sql.startswith("CREATE")])
def test_inside_a_transaction(session: Session, sql: str, end: str) -> None:
    run(
        session,
        "CREATE OR REPLACE TABLE D AS SELECT 1 AS A",
        "BEGIN",
        "INSERT INTO D SELECT ADD1(A) FROM T WHERE A = 1",
    )
    with pytest.raises(SnowparkSQLException):
        run(session, sql)
    run(session, "INSERT INTO D SELECT ADD1(A) FROM T WHERE A = 2", end)
    expected = {"COMMIT": "1,2,3", "ROLLBACK": "1"}[end]
    assert one(session, "SELECT LISTAGG(A, ',') WITHIN GROUP (ORDER BY A) FROM D") == expected


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    ("sql", "clause"),
    [
        ("SELECT COUNT(*) FROM T LIMIT ADD1(1)", "LIMIT"),
        ("SELECT ADD1(A) FROM T LIMIT ADD1(1)", "LIMIT"),
        ("SELECT A FROM T ORDER BY A LIMIT 1 OFFSET ADD1(1)", "OFFSET"),
    ],
)
def test_a_call_in_limit_is_refused(session: Session, sql: str, clause: str) -> None:
    with pytest.raises(SnowparkSQLException, match=rf"ADD1\(1\).* in {clause}"):
        run(session, sql)
