"""Which columns of a result are declared NOT NULL: https://docs.snowflake.com/en/sql-reference/sql/desc-table."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.unit.in_process import Runner

from local_snowflake.account import Account


@pytest.fixture(scope="module")
def run(account: Account) -> Iterator[Runner]:
    runner = Runner(account, account.sessions.open("TEST", "D"))
    runner("CREATE OR REPLACE SCHEMA NULLABILITY")
    runner("CREATE TABLE N (A INT NOT NULL, B INT, C VARCHAR(5) NOT NULL)")
    yield runner
    runner("DROP SCHEMA NULLABILITY")
    account.sessions.close(runner.token)


def nullable(run: Runner, sql: str) -> str:
    """Y or N for each column of a result."""
    return "".join("Y" if column.nullable else "N" for column in run.result(sql).columns)


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("SELECT 1, 'a', 1.5, NULL, TRUE, TRUE::BOOLEAN, '1'::INT, NULL::INT, TRY_CAST('1' AS INT)", "NNNYNYNYY"),
        ("SELECT TO_TIMESTAMP_NTZ('2020-01-01'), DATE('2020-01-01'), PARSE_JSON('1'), TO_ARRAY(0)", "NNYY"),
        ("SELECT A, B, A + 1, A / 2, -A % 3, A * B, A > 1, COALESCE(B, 1) FROM N", "NYNNNYYY"),
        ("SELECT COUNT(*), COUNT(B), SUM(A) FROM N", "NNY"),
        ("SELECT ROW_NUMBER() OVER (ORDER BY A) - 1, LAG(A) OVER (ORDER BY A) FROM N", "NY"),
        ("SELECT * FROM (SELECT A, B, A + 1 AS D FROM N WHERE B > 1)", "NYN"),
        ("SELECT X.A AS XA, Y.A AS YA, X.A * Y.B AS Z FROM N X JOIN N Y ON X.A = Y.A", "NNY"),
        ("SELECT X.A AS XA, Y.A AS YA FROM N X LEFT JOIN N Y ON X.A = Y.A", "YY"),
        ("SELECT * FROM (SELECT 1 AS A, 2 AS B) X JOIN (SELECT 1 AS A, 3 AS C) Y USING (A)", "NNN"),
        ("SELECT 1 AS A, NULL AS A", "YY"),
        ("SELECT 1 AS A, COUNT(*) AS K FROM N GROUP BY ROLLUP(A)", "YN"),
        ("SELECT 1 AS A UNION ALL SELECT NULL", "Y"),
        ("SELECT A FROM (SELECT 1 AS A UNION ALL SELECT NULL)", "Y"),
    ],
)
def test_results_declare_what_is_never_null(run: Runner, sql: str, expected: str) -> None:
    assert nullable(run, sql) == expected


def test_a_written_text_has_its_length(run: Runner) -> None:
    assert [str(c.type) for c in run.result("SELECT 'abc' AS X, 'abc'::VARCHAR AS Y").columns] == [
        "VARCHAR(3)",
        "VARCHAR(16777216)",
    ]


def test_a_table_made_of_a_result_takes_null(run: Runner) -> None:
    run("CREATE TABLE MADE AS SELECT 1 AS A, C FROM N")
    run("INSERT INTO MADE VALUES (NULL, NULL)")
    assert run("SELECT COUNT(*) FROM MADE") == [(1,)]
