"""Built-in functions through a client: results, errors, joins, pivots; values in unit/test_function_rewrites.py."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pytest
import snowflake.connector
from snowflake.connector.errors import DatabaseError

Ask = Callable[[str], list[tuple[Any, ...]]]


def _ntz(*parts: int) -> dt.datetime:
    """A time that is in no zone."""
    return dt.datetime(*parts, tzinfo=dt.UTC).replace(tzinfo=None)  # type: ignore[arg-type, misc]


@pytest.fixture(scope="module")
def ask(snowflake_connection: dict[str, Any]) -> Iterator[Ask]:
    with snowflake.connector.connect(**snowflake_connection) as connection:
        cursor = connection.cursor()

        def ask(sql: str) -> list[tuple[Any, ...]]:
            return [tuple(row) for row in cursor.execute(sql).fetchall()]  # type: ignore[union-attr]

        ask("CREATE OR REPLACE DATABASE T_BUILT_IN")
        ask("CREATE TABLE N (I INT, D NUMBER(10,2), S VARCHAR) AS SELECT * FROM VALUES (1, 1.25, '3'), (1, 0.5, '4')")
        yield ask
        ask("DROP DATABASE T_BUILT_IN")


def test_sums_stay_exact(ask: Ask) -> None:
    assert ask("SELECT SUM(I), SUM(D), SUM(S), SUM(I)::VARCHAR FROM N") == [(2, Decimal("1.75"), 7.0, "2")]
    grouped = "SELECT SUM(DISTINCT I), SUM(I) OVER (ORDER BY D), 'n' || SUM(I) FROM N GROUP BY I, D ORDER BY 2"
    assert ask(grouped)[0] == (1, 1, "n1")
    assert ask('SELECT "SUM(I)" FROM (SELECT SUM(I) FROM N)') == [(2,)]
    assert ask("SELECT SUM(I) + 9223372036854775807 FROM N") == [(9223372036854775809,)]
    with pytest.raises(DatabaseError, match=r"100038.*Numeric value 'x' is not recognized"):
        ask("SELECT SUM(V) FROM (SELECT 'x' AS V)")


def test_arrays_of_mixed_types(ask: Ask) -> None:
    assert json.loads(ask("SELECT ARRAY_INSERT([1, 2], 1, 'x')")[0][0]) == [1, "x", 2]
    assert ask("SELECT [1, 'b']::VARCHAR, ARRAY_GENERATE_RANGE(1::FLOAT, 3)") == [('[1,"b"]', "[\n  1,\n  2\n]")]


def test_a_key_without_a_value_is_an_error(ask: Ask) -> None:
    with pytest.raises(DatabaseError, match="000938"):
        ask("SELECT OBJECT_CONSTRUCT('*') FROM N")
    ask("CREATE OR REPLACE TABLE O (V VARIANT)")
    ask("INSERT INTO O SELECT OBJECT_CONSTRUCT(*) FROM N WHERE D = 0.5")
    assert json.loads(ask("SELECT V FROM O")[0][0]) == {"I": 1, "D": 0.5, "S": "4"}


def test_a_format_that_is_no_constant_is_refused(ask: Ask) -> None:
    with pytest.raises(DatabaseError, match="Unsupported feature 'TO_CHAR"):
        ask("SELECT TO_CHAR(1.5, COLUMN1) FROM VALUES ('99.9')")


def test_the_session_has_a_time_zone(ask: Ask) -> None:
    ask("ALTER SESSION SET TIMEZONE = 'America/Los_Angeles'")
    try:
        found = ask("SELECT TO_TIMESTAMP_LTZ('2020-01-01 10:00:00') AS T, T::VARCHAR")
        assert found == [(dt.datetime(2020, 1, 1, 18, tzinfo=dt.UTC), "2020-01-01 10:00:00.000 -0800")]
    finally:
        ask("ALTER SESSION UNSET TIMEZONE")
    with pytest.raises(DatabaseError, match="invalid value"):
        ask("ALTER SESSION SET TIMEZONE = 'Nowhere'")


def test_joins(ask: Ask) -> None:
    left, right = "(SELECT 9 AS X, 1 AS A, 5 AS T) AS L", "(SELECT 1 AS A, 7 AS C, 4 AS T2) AS R"
    assert ask(f"SELECT * FROM ({left} INNER JOIN {right})") == [(9, 1, 5, 1, 7, 4)]
    assert ask(f"SELECT * FROM ({left} JOIN {right} USING (A))") == [(1, 9, 5, 7, 4)]
    assert ask(f"SELECT * FROM {left} ASOF JOIN {right} MATCH_CONDITION (L.T >= R.T2) ON L.A = R.A") == [
        (9, 1, 5, 1, 7, 4)
    ]
    assert ask(f"SELECT * FROM {left} ASOF JOIN {right} MATCH_CONDITION (L.T < R.T2) USING (A)") == [
        (1, 9, 5, None, None)
    ]


def test_pivots(ask: Ask) -> None:
    values = "(1, 100, 'JAN'), (1, 50, 'JAN'), (2, 5, 'FEB'), (2, NULL, 'MAR')"
    ask(f"CREATE OR REPLACE TABLE P (E INT, AMOUNT INT, M VARCHAR) AS SELECT * FROM VALUES {values}")
    pivot = "SELECT * FROM P PIVOT (SUM(AMOUNT) FOR M IN ({})) ORDER BY E"
    assert ask(pivot.format("ANY")) == [(1, None, 150, None), (2, 5, None, None)]
    assert ask(pivot.format("ANY ORDER BY M DESC")) == [(1, None, 150, None), (2, None, None, 5)]
    assert ask(pivot.format("SELECT DISTINCT M FROM P WHERE M < 'J'")) == [(1, None), (2, 5)]
    filled = "SELECT * FROM P PIVOT (SUM(AMOUNT) FOR M IN ('JAN', 'FEB') DEFAULT ON NULL (0)) ORDER BY E"
    assert ask(filled) == [(1, 150, 0), (2, 0, 5)]
    common = """WITH C AS (SELECT * FROM P) SELECT "'JAN'" FROM C PIVOT (SUM(AMOUNT) FOR M IN (ANY)) ORDER BY E"""
    assert ask(common) == [(150,), (None,)]
    with pytest.raises(DatabaseError, match="no values to pivot by"):
        ask("SELECT * FROM (SELECT * FROM P WHERE E > 9) PIVOT (SUM(AMOUNT) FOR M IN (ANY))")


def test_values_in_results(ask: Ask) -> None:
    expressions = "FACTORIAL(5), DATEADD(ns, 10000, TO_TIMESTAMP(0)), (SELECT COUNT(*) FROM N SAMPLE BLOCK (100))"
    assert ask(f"SELECT {expressions}") == [(120, _ntz(1970, 1, 1, 0, 0, 0, 10), 2)]


def test_percentiles(ask: Ask) -> None:
    rows = "(SELECT COLUMN1 AS A, COLUMN1 > 2 AS G FROM VALUES (1), (2), (3), (10))"
    assert ask(f"SELECT APPROX_PERCENTILE(A, 0.5) FROM {rows}") == [(2.5,)]
    states = f"(SELECT APPROX_PERCENTILE_ACCUMULATE(A) AS S FROM {rows} GROUP BY G)"
    assert ask(f"SELECT APPROX_PERCENTILE_ESTIMATE(APPROX_PERCENTILE_COMBINE(S), 0.5) FROM {states}") == [(2.5,)]


@pytest.mark.parametrize(
    ("sql", "message"),
    {
        "SELECT I / (I - 1) FROM N": r"100051.*Division by zero",
        "SELECT I % 0 FROM N": r"100051.*Division by zero",
        "SELECT PARSE_JSON('{{')": r"100069.*Error parsing JSON",
        "SELECT S::DATE FROM (SELECT LOWER('AAA') AS S)": r"100040.*Date 'aaa' is not recognized",
        "SELECT 'a' RLIKE '+'": r"100048.*Invalid regular expression",
        "SELECT CORR(S, S) FROM (SELECT LOWER('X') AS S)": r"Numeric value 'x' is not recognized",
        "SELECT NTILE(0) OVER (ORDER BY 1)": "NTILE argument must be at least 1",
        "SELECT 1 FROM N WHERE SUM(I) > 1": "Invalid aggregate function in where clause",
        "SELECT SUM(I) OVER (ORDER BY I ROWS BETWEEN 1 FOLLOWING AND 1 PRECEDING) FROM N": "Invalid window frame",
    }.items(),
)
def test_errors(ask: Ask, sql: str, message: str) -> None:
    with pytest.raises(DatabaseError, match=message):
        ask(sql)


def test_the_client_is_known(ask: Ask) -> None:
    assert ask("SELECT CURRENT_CLIENT()")[0][0].startswith("PythonConnector ")
