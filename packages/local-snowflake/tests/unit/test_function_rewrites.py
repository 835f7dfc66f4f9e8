"""Calls of Snowflake's functions: DuckDB's SQL for them, and the values that it has."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import duckdb
import pytest

from local_snowflake.functions import python_calls
from local_snowflake.functions.vectorized import VectorFunctions
from local_snowflake.sql.dialect import macro_definitions, parse, to_duckdb, translate, upper_case

Evaluate = Callable[[str], Any]


def _ntz(*parts: int) -> dt.datetime:
    """A time without a zone."""
    return dt.datetime(*parts, tzinfo=dt.UTC).replace(tzinfo=None)  # type: ignore[arg-type, misc]


@pytest.fixture(scope="module")
def duck() -> Iterator[duckdb.DuckDBPyConnection]:
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute(macro_definitions("memory"))
    python_calls.register(VectorFunctions(connection))
    connection.execute('CREATE TABLE N ("I" BIGINT, "D" DECIMAL(10,2), "S" VARCHAR)')
    connection.execute("INSERT INTO N VALUES (1, 1.25, '3'), (1, 0.5, '4')")
    yield connection
    connection.close()


def rewritten(sql: str, duck: duckdb.DuckDBPyConnection) -> str:
    return to_duckdb(translate(upper_case(parse(sql)), duck))


@pytest.fixture(scope="module")
def evaluate(duck: duckdb.DuckDBPyConnection) -> Evaluate:
    return lambda expression: duck.execute(rewritten(f"SELECT {expression}", duck)).fetchall()[0][0]


@pytest.mark.parametrize(
    ("before", "after"),
    {
        "SELECT A / B FROM T": "SELECT A / DIVISOR(B) FROM T",
        "SELECT A / 2 FROM T": "SELECT A / 2 FROM T",
        "SELECT A / NULLIF(B, 0) FROM T": "SELECT A / NULLIF(B, 0) FROM T",
        "SELECT SUM(A) FROM T": 'SELECT SUM(NUMBER_OF(A)) AS "SUM(A)" FROM T',
        "SELECT TRUNC(A, B) FROM T": "SELECT TRUNCATED(A, B) FROM T",
        "SELECT A::BINARY FROM T": "SELECT HEX_TO_BINARY(A) FROM T",
        "SELECT A::VARCHAR FROM T": "SELECT TEXT_OF(A) FROM T",
        "SELECT TO_TIMESTAMP_NTZ(A) FROM T": "SELECT TIMESTAMP_NTZ_OF(A, 0) FROM T",
        "SELECT OBJECT_PICK(A, 'x', 'y') FROM T": (
            "SELECT WITH_KEYS(A, [CAST('x' AS TEXT), CAST('y' AS TEXT)]) FROM T"
        ),
    }.items(),
)
def test_a_call_becomes_duckdbs(duck: duckdb.DuckDBPyConnection, before: str, after: str) -> None:
    assert _folded(rewritten(before, duck)) == _folded(after)


def _folded(sql: str) -> str:
    return sql.upper().replace('"', "")


@pytest.mark.parametrize(
    ("expression", "value"),
    {
        "FACTORIAL(5)": 120,
        "TRUNC(3.14::FLOAT, 1)": 3.1,
        "TO_CHAR('09:12:56'::TIME, 'HH24-MI')": "09-12",
        "TO_CHAR('313233'::BINARY)": "313233",
        "TO_CHAR('313233'::BINARY, 'utf-8')": "123",
        "TO_CHAR('313233'::BINARY, 'base64')": "MTIz",
        "TO_CHAR('2020-01-02'::DATE, 'DD/MM/YYYY')": "02/01/2020",
        "LTRIM('  a  ')": "a  ",
        "RTRIM('a; ', '; ')": "a",
        "TRIM('xax', 'x')": "a",
        "SOUNDEX('Pfister')": "P236",
        "SOUNDEX('apple')": "a140",
        "SHA2('a', 224)": "abd37534c7d9a2efb9465de931cd7055ffdb8879563ae98078d6d6d5",
        "CHR(65)": "A",
        "1.0::FLOAT::VARCHAR": "1",
        "TO_VARCHAR(1.5::FLOAT)": "1.5",
        "PARSE_JSON('\"a\"')::VARCHAR": "a",
        "'2020-01-02'::TIMESTAMP::VARCHAR": "2020-01-02 00:00:00.000",
        r"REGEXP_REPLACE('aBab', 'b', 'x', 1, 0, 'i')": "axax",
        r"REGEXP_REPLACE('a.a.a', '\\.', '', 1, 2)": "a.aa",
    }.items(),
)
def test_numbers_and_text(evaluate: Evaluate, expression: str, value: Any) -> None:
    assert evaluate(expression) == value


@pytest.mark.parametrize(
    ("expression", "value"),
    {
        "TO_TIMESTAMP_LTZ('2020-01-01 10:00:00 -0600')": dt.datetime(2020, 1, 1, 16, tzinfo=dt.UTC),
        "TO_TIMESTAMP_NTZ('2020-01-01 10:00:00 -0600')": _ntz(2020, 1, 1, 10),
        "TO_TIMESTAMP('1706774400')": _ntz(2024, 2, 1, 8),
        "TO_TIMESTAMP_TZ(1706774400123, 3)::TIMESTAMP_LTZ": dt.datetime(2024, 2, 1, 8, 0, 0, 123000, tzinfo=dt.UTC),
        "TRY_TO_TIMESTAMP('x')": None,
        "TO_TIMESTAMP(-1.5)": _ntz(1969, 12, 31, 23, 59, 58, 500000),
        "TO_TIMESTAMP_NTZ('9999-12-31 23:59:59.123456')": _ntz(9999, 12, 31, 23, 59, 59, 123456),
        "DATEADD(day, 1, '2020-01-15'::DATE)": dt.date(2020, 1, 16),
        "DATE_TRUNC(month, D) FROM (SELECT '2020-01-15'::DATE D)": dt.date(2020, 1, 1),
        "DATEADD(day, 1, D) FROM (SELECT '2020-01-15'::DATE D)": dt.date(2020, 1, 16),
        "DATEADD(hour, 1, D) FROM (SELECT '2020-01-15'::DATE D)": _ntz(2020, 1, 15, 1),
        "DATE_TRUNC(hour, '2020-01-15'::DATE + 1)": dt.date(2020, 1, 16),
        "DATEADD(ns, 10000, TO_TIMESTAMP(0))": _ntz(1970, 1, 1, 0, 0, 0, 10),
        "TO_DATE(LOWER('30-JUL-2010'))": dt.date(2010, 7, 30),
    }.items(),
)
def test_dates_and_times(evaluate: Evaluate, expression: str, value: Any) -> None:
    result = evaluate(expression)
    assert result == value
    assert type(result) is type(value)


@pytest.mark.parametrize(
    ("expression", "value"),
    {
        "OBJECT_PICK(OBJECT_CONSTRUCT('a', 1, 'b', 2), 'a', 'c')": {"a": 1},
        "OBJECT_PICK(OBJECT_CONSTRUCT('a', 1, 'b', 2), ['b'])": {"b": 2},
        "OBJECT_DELETE(OBJECT_CONSTRUCT('a', 1, 'b', 2, 'c', 3), 'a', 'b')": {"c": 3},
        "OBJECT_KEYS(OBJECT_CONSTRUCT('b', 1, 'a', 2))": ["a", "b"],
        "ARRAY_SORT([10, 9, NULL, 1])": [1, 9, 10, None],
        "ARRAY_MAX([10, 9])": 10,
        "PARSE_JSON('{a: 1, ''b'': [1, 2,],}')": {"a": 1, "b": [1, 2]},
        "PARSE_JSON('{\"a\": 1}')": {"a": 1},
    }.items(),
)
def test_objects_and_arrays(evaluate: Evaluate, expression: str, value: Any) -> None:
    assert json.loads(evaluate(expression)) == value


def test_json_that_cannot_be_parsed(evaluate: Evaluate) -> None:
    assert evaluate("PARSE_JSON('')") is None
    assert evaluate("TRY_PARSE_JSON('{{')") is None
    assert evaluate("CHECK_JSON('{a: 1}')") is None
    assert "Unexpected" in evaluate("CHECK_JSON('{{')")
    with pytest.raises(duckdb.Error, match="Error parsing JSON"):
        evaluate("PARSE_JSON('{{')")


@pytest.mark.parametrize("expression", ["1 / 0", "I / (I - 1)", "1 / '0'", "SUM(I) / (COUNT(*) - 2)"])
def test_division_by_zero_is_an_error(evaluate: Evaluate, expression: str) -> None:
    with pytest.raises(duckdb.Error, match="Division by zero"):
        evaluate(f"{expression} FROM N")


@pytest.mark.parametrize(
    ("expression", "value"),
    {
        "CASE WHEN I = 1 THEN 0 ELSE 1 / (I - 1) END FROM N": 0,
        "1 / NULLIF(I - 1, 0) FROM N": None,
        "DIV0(1, I - 1) FROM N": 0,
        "SUM(I) FROM N": 2,
        "SUM(D) FROM N": Decimal("1.75"),
        "SUM(S) FROM N": 7.0,
        "SUM(I)::VARCHAR FROM N": "2",
        "SUM(I) + 9223372036854775807 FROM N": 9223372036854775809,
        "APPROX_PERCENTILE(I, 0.5) FROM N": 1.0,
    }.items(),
)
def test_aggregates_and_guarded_divisions(evaluate: Evaluate, expression: str, value: Any) -> None:
    assert evaluate(expression) == value


NESTED = "TO_VARCHAR(TRIM(TO_VARCHAR(TRIM(TO_VARCHAR({})))))"


def test_an_argument_that_a_macro_repeats_is_given_to_it_once(duck: duckdb.DuckDBPyConnection):
    many = ", ".join(['"I"', '"D"', '"S"'] * 20)
    for sql in (NESTED.format('"D"'), f"TO_VARCHAR(HASH({many}))", f"HASH(HASH({many}))"):
        text = rewritten(f'SELECT {sql} FROM "N"', duck)
        assert "list_transform" in text.lower()
        assert duck.execute(text).fetchall()
    assert "list_transform" not in rewritten('SELECT TO_VARCHAR("D"), HASH("I" + 1) FROM "N"', duck).lower()


@pytest.mark.parametrize(
    ("sql", "values"),
    [
        (f'SELECT {NESTED.format("D")} FROM "N"', ["1.25", "0.50"]),
        (f'SELECT {NESTED.format("SUM(I)")} FROM "N"', ["2"]),
        (f'SELECT {NESTED.format("I")} FROM "N" GROUP BY {NESTED.format("I")}', ["1"]),
        (f'SELECT MAX({NESTED.format("S")}) FROM "N" GROUP BY 1 = 1', ["4"]),
        (f'SELECT {NESTED.format("ROW_NUMBER() OVER (ORDER BY S)")} FROM "N"', ["1", "2"]),
        (f"SELECT {NESTED.format('NULL')}", [None]),
        (f"SELECT S FROM \"N\" WHERE {NESTED.format('S')} = '3' ORDER BY {NESTED.format('S')}", ["3"]),
        (f'SELECT S FROM "N" QUALIFY ROW_NUMBER() OVER (PARTITION BY {NESTED.format("I")} ORDER BY S DESC) = 1', ["4"]),
    ],
)
def test_it_stands_wherever_the_macro_may(duck: duckdb.DuckDBPyConnection, sql: str, values: list[Any]):
    assert [row[0] for row in duck.execute(rewritten(sql, duck)).fetchall()] == values
