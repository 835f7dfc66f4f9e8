"""Snowflake's built-in functions where DuckDB's differ: numbers, texts, times, objects and joins."""

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


@pytest.mark.parametrize("expression", ["1 / 0", "I / (I - 1)", "1 / '0'", "I % 0", "SUM(I) / (COUNT(*) - 2)"])
def test_division_by_zero_is_an_error(ask: Ask, expression: str) -> None:
    with pytest.raises(DatabaseError, match=r"100051.*Division by zero"):
        ask(f"SELECT {expression} FROM N")


def test_divisions_that_do_not_happen_are_no_errors(ask: Ask) -> None:
    guarded = "CASE WHEN I = 1 THEN 0 ELSE 1 / (I - 1) END, 1 / NULLIF(I - 1, 0), DIV0(1, I - 1), I / NULL"
    assert ask(f"SELECT DISTINCT {guarded} FROM N") == [(0, None, 0, None)]


def test_sums_stay_exact(ask: Ask) -> None:
    assert ask("SELECT SUM(I), SUM(D), SUM(S), SUM(I)::VARCHAR FROM N") == [(2, Decimal("1.75"), 7.0, "2")]
    assert ask("SELECT SUM(DISTINCT I), SUM(I) OVER (ORDER BY D), 'n' || SUM(I) FROM N GROUP BY I, D ORDER BY 2")[
        0
    ] == (
        1,
        1,
        "n1",
    )
    assert ask('SELECT "SUM(I)" FROM (SELECT SUM(I) FROM N)') == [(2,)]
    assert ask("SELECT SUM(I) + 9223372036854775807 FROM N") == [(9223372036854775809,)]
    with pytest.raises(DatabaseError, match=r"100038.*Numeric value 'x' is not recognized"):
        ask("SELECT SUM(V) FROM (SELECT 'x' AS V)")


def test_lenient_json(ask: Ask) -> None:
    for text, value in {
        "{a: 1, 'b': [1, 2,],}": {"a": 1, "b": [1, 2]},
        '{"a": 1}': {"a": 1},
        "": None,
    }.items():
        found = ask("SELECT PARSE_JSON('{}')".format(text.replace("'", "''")))[0][0]
        assert (found and json.loads(found)) == value, text
    assert ask("SELECT TRY_PARSE_JSON('{{'), CHECK_JSON('{a: 1}'), CHECK_JSON('{{') IS NULL") == [(None, None, False)]
    with pytest.raises(DatabaseError, match=r"100069.*Error parsing JSON"):
        ask("SELECT PARSE_JSON('{{')")


@pytest.mark.parametrize(
    ("expression", "value"),
    {
        "OBJECT_PICK(OBJECT_CONSTRUCT('a', 1, 'b', 2), 'a', 'c')": {"a": 1},
        "OBJECT_PICK(OBJECT_CONSTRUCT('a', 1, 'b', 2), ['b'])": {"b": 2},
        "OBJECT_DELETE(OBJECT_CONSTRUCT('a', 1, 'b', 2, 'c', 3), 'a', 'b')": {"c": 3},
        "OBJECT_KEYS(OBJECT_CONSTRUCT('b', 1, 'a', 2))": ["a", "b"],
        "ARRAY_INSERT([1, 2], 1, 'x')": [1, "x", 2],
        "ARRAY_SORT([10, 9, NULL, 1])": [1, 9, 10, None],
        "ARRAY_MAX([10, 9])": 10,
    }.items(),
)
def test_objects_and_arrays(ask: Ask, expression: str, value: Any) -> None:
    assert json.loads(ask(f"SELECT {expression}")[0][0]) == value


def test_a_key_without_a_value_is_an_error(ask: Ask) -> None:
    with pytest.raises(DatabaseError, match="000938"):
        ask("SELECT OBJECT_CONSTRUCT('*') FROM N")
    ask("CREATE OR REPLACE TABLE O (V VARIANT)")
    ask("INSERT INTO O SELECT OBJECT_CONSTRUCT(*) FROM N WHERE D = 0.5")
    assert json.loads(ask("SELECT V FROM O")[0][0]) == {"I": 1, "D": 0.5, "S": "4"}


def test_texts(ask: Ask) -> None:
    assert ask("SELECT SOUNDEX('Pfister'), SOUNDEX('apple'), SHA2('a', 224), CHR(65)") == [
        ("P236", "a140", "abd37534c7d9a2efb9465de931cd7055ffdb8879563ae98078d6d6d5", "A")
    ]
    assert ask(
        "SELECT 1.0::FLOAT::VARCHAR, TO_VARCHAR(1.5::FLOAT), PARSE_JSON('\"a\"')::VARCHAR, [1, 'b']::VARCHAR"
    ) == [("1", "1.5", "a", '[1,"b"]')]
    assert ask("SELECT TO_CHAR('2020-01-02'::DATE, 'DD/MM/YYYY'), '2020-01-02'::TIMESTAMP::VARCHAR") == [
        ("02/01/2020", "2020-01-02 00:00:00.000")
    ]
    with pytest.raises(DatabaseError, match="Unsupported feature 'TO_CHAR"):
        ask("SELECT TO_CHAR(1.5, '99.9')")


def test_timestamps(ask: Ask) -> None:
    utc = dt.UTC
    assert ask(
        "SELECT TO_TIMESTAMP_LTZ('2020-01-01 10:00:00 -0600'), TO_TIMESTAMP_NTZ('2020-01-01 10:00:00 -0600')"
    ) == [(dt.datetime(2020, 1, 1, 16, tzinfo=utc), _ntz(2020, 1, 1, 10))]
    assert ask("SELECT TO_TIMESTAMP('1706774400'), TO_TIMESTAMP_TZ(1706774400123, 3), TRY_TO_TIMESTAMP('x')") == [
        (_ntz(2024, 2, 1, 8), dt.datetime(2024, 2, 1, 8, 0, 0, 123000, tzinfo=utc), None)
    ]
    assert ask(
        "SELECT DATEADD(day, 1, D), DATE_TRUNC(month, D), DATEADD(hour, 1, D) FROM (SELECT '2020-01-15'::DATE D)"
    ) == [(dt.date(2020, 1, 16), dt.date(2020, 1, 1), _ntz(2020, 1, 15, 1))]
    assert ask("SELECT TO_TIMESTAMP(-1.5), TO_TIMESTAMP_NTZ('9999-12-31 23:59:59.123456')") == [
        (_ntz(1969, 12, 31, 23, 59, 58, 500000), _ntz(9999, 12, 31, 23, 59, 59, 123456))
    ]


def test_the_session_has_a_time_zone(ask: Ask) -> None:
    ask("ALTER SESSION SET TIMEZONE = 'America/Los_Angeles'")
    try:
        found = ask("SELECT TO_TIMESTAMP_LTZ('2020-01-01 10:00:00'), TO_TIMESTAMP_LTZ('2020-01-01 10:00:00')::VARCHAR")[
            0
        ]
        assert found[0] == dt.datetime(2020, 1, 1, 18, tzinfo=dt.UTC)
        assert found[1] == "2020-01-01 10:00:00.000 -0800"
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


@pytest.mark.parametrize(
    ("expression", "value"),
    {
        "FACTORIAL(5)": 120,
        "TRUNC(3.14::FLOAT, 1)": 3.1,
        "TO_CHAR('09:12:56'::TIME, 'HH24-MI')": "09-12",
        "TO_CHAR('313233'::BINARY)": "313233",
        "TO_CHAR('313233'::BINARY, 'utf-8')": "123",
        "TO_CHAR('313233'::BINARY, 'base64')": "MTIz",
        "LTRIM('  a  ')": "a  ",
        "RTRIM('a; ', '; ')": "a",
        "TRIM('xax', 'x')": "a",
        "TO_DATE(LOWER('30-JUL-2010'))": dt.date(2010, 7, 30),
        "DATE_TRUNC(hour, '2020-01-15'::DATE + 1)": dt.date(2020, 1, 16),
        "DATEADD(ns, 10000, TO_TIMESTAMP(0))": _ntz(1970, 1, 1, 0, 0, 0, 10),
        "(SELECT COUNT(*) FROM N SAMPLE BLOCK (100))": 2,
        r"REGEXP_REPLACE('aBab', 'b', 'x', 1, 0, 'i')": "axax",
        r"REGEXP_REPLACE('a.a.a', '\\.', '', 1, 2)": "a.aa",
        "ARRAY_GENERATE_RANGE(1::FLOAT, 3)": "[\n  1,\n  2\n]",
    }.items(),
)
def test_values(ask: Ask, expression: str, value: Any) -> None:
    assert ask(f"SELECT {expression}") == [(value,)]


def test_percentiles(ask: Ask) -> None:
    rows = "(SELECT COLUMN1 AS A, COLUMN1 > 2 AS G FROM VALUES (1), (2), (3), (10))"
    assert ask(f"SELECT APPROX_PERCENTILE(A, 0.5) FROM {rows}") == [(2.5,)]
    states = f"(SELECT APPROX_PERCENTILE_ACCUMULATE(A) AS S FROM {rows} GROUP BY G)"
    assert ask(f"SELECT APPROX_PERCENTILE_ESTIMATE(APPROX_PERCENTILE_COMBINE(S), 0.5) FROM {states}") == [(2.5,)]


@pytest.mark.parametrize(
    ("sql", "said"),
    {
        "SELECT S::DATE FROM (SELECT LOWER('AAA') AS S)": r"100040.*Date 'aaa' is not recognized",
        "SELECT 'a' RLIKE '+'": r"100048.*Invalid regular expression",
        "SELECT CORR(S, S) FROM (SELECT LOWER('X') AS S)": r"Numeric value 'x' is not recognized",
        "SELECT NTILE(0) OVER (ORDER BY 1)": "NTILE argument must be at least 1",
        "SELECT 1 FROM N WHERE SUM(I) > 1": "Invalid aggregate function in where clause",
        "SELECT SUM(I) OVER (ORDER BY I ROWS BETWEEN 1 FOLLOWING AND 1 PRECEDING) FROM N": "Invalid window frame",
    }.items(),
)
def test_errors(ask: Ask, sql: str, said: str) -> None:
    with pytest.raises(DatabaseError, match=said):
        ask(sql)


def test_the_client_is_known(ask: Ask) -> None:
    assert ask("SELECT CURRENT_CLIENT()")[0][0].startswith("PythonConnector ")
