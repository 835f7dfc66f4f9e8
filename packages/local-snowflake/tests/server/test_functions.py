"""User-defined functions through the unmodified clients: scalar, vectorized, SQL, and how they are described."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import snowflake.connector
from snowflake.snowpark import Session
from snowflake.snowpark.exceptions import SnowparkSQLException
from snowflake.snowpark.functions import call_function, call_udf, col, lit, udf
from snowflake.snowpark.functions import pandas_udf as vectorized_udf
from snowflake.snowpark.types import (
    DataType,
    FloatType,
    IntegerType,
    PandasSeriesType,
    StringType,
    VariantType,
)
from tests.server.functions import function, functions_session, one, rows

from local_snowflake.testing import LocalSnowflake


@pytest.fixture(scope="module")
def session(snowflake_connection: dict[str, Any]) -> Iterator[Session]:
    with functions_session(snowflake_connection, "T_FUNCTIONS") as made:
        yield made


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("SELECT ADD1(1), ADD1(NULL)", [(2, None)]),
        ("SELECT PUBLIC.ADD1(1), T_FUNCTIONS.PUBLIC.ADD1(2)", [(2, 3)]),
        ("SELECT ADD1(ADD1(A)) AS P FROM T WHERE ADD1(A) > 7 ORDER BY P DESC", [(10,), (9,)]),
        ("SELECT K, SUM(ADD1(A))::INT FROM T GROUP BY K ORDER BY K", [(0, 12), (1, 15), (2, 18)]),
        ("SELECT COUNT(*) FROM T L JOIN T R ON ADD1(L.A) = R.A", [(8,)]),
        ("SELECT (SELECT MAX(A) FROM T R WHERE R.A < ADD1(L.A)) FROM T L ORDER BY 1 LIMIT 2", [(0,), (1,)]),
        ("SELECT CASE WHEN A > 7 THEN ADD1(A) END FROM T ORDER BY A DESC LIMIT 2", [(9,), (None,)]),
        ("WITH P AS (SELECT ADD1(A) X FROM T) SELECT MAX(X) FROM P", [(9,)]),
        ("SELECT A, ROW_NUMBER() OVER (ORDER BY ADD1(A) DESC) R FROM T QUALIFY R = 1", [(8, 1)]),
    ],
)
def test_a_function_stands_wherever_an_expression_may(session: Session, sql: str, expected: list[Any]) -> None:
    assert rows(session, sql) == expected


def test_in_dml(session: Session) -> None:
    session.sql("CREATE OR REPLACE TABLE D AS SELECT A, ADD1(A) AS B FROM T").collect()
    session.sql("INSERT INTO D SELECT A, ADD1(A) FROM T WHERE A = 8").collect()
    session.sql("UPDATE D SET B = ADD1(B) WHERE A = 0").collect()
    session.sql("DELETE FROM D WHERE ADD1(A) = 3").collect()
    assert one(session, "SELECT SUM(B)::INT FROM D") == 45 + 9 + 1 - 3


def test_overloads_are_chosen_by_type(session: Session) -> None:
    for kind in ("INT", "VARCHAR", "FLOAT"):
        session.sql(function(f"KIND_OF(A {kind})", "VARCHAR", f"def f(a):\n    return '{kind}'")).collect()
    assert rows(session, "SELECT KIND_OF(A), KIND_OF(B), KIND_OF(C), KIND_OF('a'), KIND_OF(1) FROM T LIMIT 1") == [
        ("INT", "VARCHAR", "FLOAT", "VARCHAR", "INT")
    ]
    session.sql("DROP FUNCTION KIND_OF(INT)").collect()
    assert one(session, "SELECT KIND_OF(1)") == "FLOAT"


def test_defaults_and_names(session: Session) -> None:
    session.sql(function("POWER_OF(A INT, N INT DEFAULT 2)", "INT", "def f(a, n):\n    return a ** n")).collect()
    assert rows(session, "SELECT POWER_OF(3), POWER_OF(3, 3), POWER_OF(N => 4, A => 2)") == [(9, 27, 16)]


def test_values_of_every_type_go_in(session: Session) -> None:
    declared = (
        "A NUMBER(10,2), B FLOAT, C BOOLEAN, D DATE, E TIMESTAMP_NTZ, F BINARY, G VARIANT, H OBJECT, I ARRAY, J TIME"
    )
    body = "def f(*values):\n    return [[type(v).__name__, str(v)] for v in values]"
    session.sql(function(f"TYPES({declared})", "VARIANT", body)).collect()
    answer = one(
        session,
        "SELECT TYPES(1.25, 2, TRUE, '2026-01-02'::DATE, '2026-01-02 03:04:05'::TIMESTAMP_NTZ, TO_BINARY('FF', 'HEX'), "
        "'v', OBJECT_CONSTRUCT('a', 1), ARRAY_CONSTRUCT(1, 2), '01:02:03'::TIME)",
    )
    assert [tuple(pair) for pair in json.loads(answer)] == [
        ("Decimal", "1.25"),
        ("float", "2.0"),
        ("bool", "True"),
        ("date", "2026-01-02"),
        ("datetime", "2026-01-02 03:04:05"),
        ("bytes", "b'\\xff'"),
        ("str", "v"),
        ("dict", "{'a': 1}"),
        ("list", "[1, 2]"),
        ("time", "01:02:03"),
    ]


@pytest.mark.parametrize(
    ("returns", "expression", "expected"),
    [
        ("NUMBER(10,2)", "1.005 + a", Decimal("2.01")),
        ("INT", "a + 0.5", 2),
        ("FLOAT", "a / 4", 0.25),
        ("VARCHAR", "'é' * a", "é"),
        ("BOOLEAN", "a > 0", True),
        ("DATE", "__import__('datetime').date(2026, 1, a)", "2026-01-01"),
        ("BINARY", "bytes([a])", bytearray(b"\x01")),
        ("FLOAT", "None", None),
    ],
)
def test_values_come_out_as_declared(session: Session, returns: str, expression: str, expected: Any) -> None:
    session.sql(function("GIVES(A INT)", returns, f"def f(a):\n    return {expression}")).collect()
    answer = one(session, "SELECT GIVES(1)")
    assert (str(answer) if returns == "DATE" else answer) == expected


def test_semi_structured_results_can_be_taken_apart(session: Session) -> None:
    session.sql(function("PAIR(A INT)", "OBJECT", "def f(a):\n    return {'half': a / 2, 'text': str(a)}")).collect()
    got = rows(session, "SELECT PAIR(A):half::FLOAT, PAIR(A):text::VARCHAR FROM T WHERE A = 3")
    assert got == [(1.5, "3")]


@pytest.mark.parametrize("options", ["", "STRICT"])
def test_null_in_a_variant(session: Session, options: str) -> None:
    """None is JSON's null; an object with ``is_sql_null`` is SQL's, as an argument and as a result."""
    body = "def f(v):\n    return 'sql' if hasattr(v, 'is_sql_null') else str(v)"
    session.sql(function("NULL_OF(V VARIANT)", "VARCHAR", body, options=options)).collect()
    session.sql(function("SAME(V VARIANT)", "VARIANT", "def f(v):\n    return v", options=options)).collect()
    frames = "import pandas as pd\ndef f(df):\n    return pd.Series([None, float('nan'), 1], dtype=object)"
    frames += "\nf._sf_vectorized_input = pd.DataFrame"
    session.sql(function("FRAMES(I INT)", "VARIANT", frames)).collect()
    null = None if options else "sql"
    assert rows(session, "SELECT NULL_OF(NULL), NULL_OF(PARSE_JSON('null')), NULL_OF(1)") == [(null, "None", "1")]
    assert rows(session, "SELECT SAME(NULL), SAME(PARSE_JSON('null')), SAME(1), SAME(NULL) IS NULL") == [
        (None, "null", "1", True)
    ]
    assert [r[0] for r in rows(session, "SELECT FRAMES(A) FROM T WHERE A < 3 ORDER BY A")] == ["null", None, "1"]


def test_strict_functions_are_not_called_with_null(session: Session) -> None:
    session.sql(function("LENGTH_OF(S VARCHAR)", "INT", "def f(s):\n    return len(s)", options="STRICT")).collect()
    assert rows(session, "SELECT LENGTH_OF(NULL), LENGTH_OF('ab')") == [(None, 2)]


def test_a_failing_row_fails_the_statement(session: Session) -> None:
    session.sql(function("INVERSE(A INT)", "FLOAT", "def f(a):\n    return 1 / (a - 5)")).collect()
    for sql in ("SELECT INVERSE(A) FROM T", "SELECT 1 FROM T L JOIN T R ON INVERSE(L.A) = R.A"):
        with pytest.raises(SnowparkSQLException, match=r"(?s)100357 \(P0000\).*ZeroDivisionError.*in function INVERSE"):
            session.sql(sql).collect()
    assert one(session, "SELECT COUNT(*) FROM T") == 9


def test_a_hanging_function_ends_at_the_time_limit(session: Session) -> None:
    session.sql(function("FOREVER(A INT)", "INT", "def f(a):\n    while True: pass")).collect()
    session.sql("ALTER SESSION SET STATEMENT_TIMEOUT_IN_SECONDS = 1").collect()
    try:
        for sql in ("SELECT FOREVER(A) FROM T", "SELECT 1 FROM T L JOIN T R ON FOREVER(L.A) = R.A"):
            with pytest.raises(SnowparkSQLException, match="000630"):
                session.sql(sql).collect()
    finally:
        session.sql("ALTER SESSION UNSET STATEMENT_TIMEOUT_IN_SECONDS").collect()


def test_vectorized_functions_get_frames(session: Session) -> None:
    body = """
import pandas as pd
from _snowflake import vectorized
@vectorized(input=pd.DataFrame, max_batch_size=4)
def f(df):
    return df[0] * 1000 + len(df)
"""
    session.sql(function("BATCHES(A INT)", "INT", body, options="PACKAGES = ('pandas')")).collect()
    assert [r[0] % 1000 for r in rows(session, "SELECT BATCHES(A) FROM T ORDER BY A")] == [4] * 8 + [1]


def test_dates_and_times_in_frames(session: Session) -> None:
    """Dates are datetime64 and times the span since midnight, in what a vectorized function gets and returns.

    Source: https://docs.snowflake.com/en/developer-guide/udf/python/udf-python-batch#type-support
    """
    body = """
import pandas as pd
from _snowflake import vectorized

@vectorized(input=pd.DataFrame)
def f(df):
    return df[0].dt.year.astype(str) + '/' + (df[1] / pd.Timedelta(hours=1)).astype(str)
"""
    values = "'2021-12-20'::DATE, '01:30:00'::TIME"
    options = "PACKAGES = ('pandas')"
    head = body.split("    return", maxsplit=1)[0]
    session.sql(function("PARTS(D DATE, T TIME)", "STRING", body, options=options)).collect()
    assert one(session, f"SELECT PARTS({values})") == "2021/1.5"
    code = head + "    return df[1] * 2\n"
    session.sql(function("LATER(D DATE, T TIME)", "TIME", code, options=options)).collect()
    assert one(session, f"SELECT LATER({values})") == dt.time(3)
    assert one(session, "SELECT LATER(NULL, NULL)") is None
    session.sql(
        function("NEXT(D DATE, T TIME)", "DATE", head + "    return df[0] + pd.Timedelta(days=1)\n", options=options)
    ).collect()
    assert one(session, f"SELECT NEXT({values})") == dt.date(2021, 12, 21)
    assert one(session, "SELECT NEXT(NULL, NULL)") is None


def test_a_million_rows_in_bulk(session: Session) -> None:
    made = vectorized_udf(
        lambda a, b: a * b,
        return_type=PandasSeriesType(FloatType()),
        input_types=[PandasSeriesType(FloatType()), PandasSeriesType(FloatType())],
        name="TIMES",
        replace=True,
        packages=["pandas"],
        session=session,
    )
    total = one(session, "SELECT SUM(TIMES(SEQ4(), 2)) FROM TABLE(GENERATOR(ROWCOUNT => 1000000))")
    assert made is not None
    assert total == 999_999 * 1_000_000


def test_registered_by_snowpark(session: Session) -> None:
    integers: list[DataType] = [IntegerType(), IntegerType()]
    times = udf(lambda a, b: a * b, return_type=IntegerType(), input_types=integers, session=session)
    session.udf.register(
        lambda d: d["a"], return_type=StringType(), input_types=[VariantType()], name="FIRST_OF", replace=True
    )
    frame = session.table("T").filter(col("A") == 4)
    assert frame.select(times(col("A"), col("K")), call_udf("ADD1", col("A"))).collect()[0][:2] == (4, 5)
    assert one(session, 'SELECT FIRST_OF(PARSE_JSON(\'{"a": "x"}\'))') == "x"
    assert frame.select(call_function("ADD1", lit(1))).collect()[0][0] == 2


def test_temporary_functions_belong_to_the_session(session: Session, snowflake_connection: dict[str, Any]) -> None:
    session.sql(function("MINE()", "INT", "def f():\n    return 1", kind="TEMPORARY FUNCTION")).collect()
    assert one(session, "SELECT MINE()") == 1
    with (
        Session.builder.configs(snowflake_connection | {"database": "T_FUNCTIONS"}).create() as other,
        pytest.raises(SnowparkSQLException, match="MINE"),
    ):
        other.sql("SELECT MINE()").collect()


def test_sql_functions(session: Session) -> None:
    session.sql("CREATE OR REPLACE FUNCTION SQUARE_OF(X FLOAT) RETURNS FLOAT AS 'X * X'").collect()
    session.sql("CREATE OR REPLACE FUNCTION BOTH(X INT) RETURNS FLOAT AS 'SQUARE_OF(X) + ADD1(X)'").collect()
    assert rows(session, "SELECT SQUARE_OF(3), SQUARE_OF(A + 1) FROM T ORDER BY A DESC LIMIT 1") == [(9.0, 81.0)]
    assert rows(session, "SELECT BOTH(2), BOTH(A) FROM T WHERE A = 3") == [(7.0, 13.0)]
    session.sql("USE SCHEMA INFORMATION_SCHEMA").collect()
    try:
        assert one(session, "SELECT T_FUNCTIONS.PUBLIC.BOTH(2)") == 7.0
    finally:
        session.sql("USE SCHEMA PUBLIC").collect()


def test_sql_functions_with_a_query(session: Session) -> None:
    session.sql(
        "CREATE OR REPLACE FUNCTION TOTAL(WHICH INT) RETURNS INT AS 'SELECT SUM(A) FROM T WHERE K = WHICH'"
    ).collect()
    assert rows(session, "SELECT K, TOTAL(K) FROM (SELECT DISTINCT K FROM T) ORDER BY K") == [(0, 9), (1, 12), (2, 15)]
    session.sql(
        "CREATE OR REPLACE FUNCTION OF_KIND(WHICH INT) RETURNS TABLE (A INT, B VARCHAR) "
        "AS 'SELECT A, B FROM T WHERE K = WHICH'"
    ).collect()
    assert len(rows(session, "SELECT * FROM TABLE(OF_KIND(1))")) == 3
    assert len(rows(session, "SELECT T.A, R.B FROM T, TABLE(OF_KIND(T.A)) R")) == 9


def test_show_describe_and_refusals(session: Session) -> None:
    shown = session.sql("SHOW USER FUNCTIONS LIKE 'ADD1'").collect()[0].as_dict()
    assert (shown["arguments"], shown["language"]) == ("ADD1(NUMBER) RETURN NUMBER", "PYTHON")
    described = dict(rows(session, "DESCRIBE FUNCTION ADD1(INT)"))
    assert (described["returns"], described["handler"]) == ("NUMBER", "f")
    with pytest.raises(SnowparkSQLException, match=r"001044.*|Invalid argument types"):
        session.sql("SELECT ADD1(1, 2)").collect()
    with pytest.raises(SnowparkSQLException, match="LANGUAGE JAVA"):
        session.sql("CREATE FUNCTION J() RETURNS INT LANGUAGE JAVA HANDLER = 'a.b' AS ''").collect()


def test_the_statement_that_makes_a_function_is_told(session: Session) -> None:
    body = "def f(a, b):\n    return 'its'"
    options = "PACKAGES = ('pandas') COMMENT = 'a comment' IMMUTABLE STRICT"
    made = function("DESCRIBED(A INT, B VARCHAR DEFAULT 'x')", "VARCHAR", body, options=options)
    session.sql(made.replace("REPLACE FUNCTION", "REPLACE SECURE FUNCTION")).collect()
    text = one(session, "SELECT GET_DDL('FUNCTION', 'DESCRIBED(NUMBER, VARCHAR)')")
    signature = "SECURE FUNCTION DESCRIBED(A NUMBER(38,0), B VARCHAR(16777216) DEFAULT 'x')"
    for part in (signature, "COMMENT='a comment'", "STRICT"):
        assert part in text
    session.sql("DROP FUNCTION DESCRIBED(INT, VARCHAR)").collect()
    with pytest.raises(SnowparkSQLException, match="does not exist"):
        session.sql("SELECT GET_DDL('FUNCTION', 'DESCRIBED(INT, VARCHAR)')").collect()
    session.sql(text).collect()
    assert one(session, "SELECT DESCRIBED(1)") == "its"
    session.sql("CREATE PROCEDURE P(A INT) RETURNS INT LANGUAGE SQL AS 'BEGIN RETURN A; END'").collect()
    assert "EXECUTE AS OWNER" in one(session, "SELECT GET_DDL('PROCEDURE', 'P(INT)')")


@pytest.mark.slow
def test_packages_outside_the_environment_are_found(tmp_path: Path) -> None:
    about = tmp_path / "packages" / "next_to_it-1.2.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: next-to-it\nVersion: 1.2\n")
    (about.parent / "next_to_it.py").write_text("ANSWER = 42\n")
    server = LocalSnowflake(tmp_path / "data", about.parent).start()
    try:
        with snowflake.connector.connect(**server.connection()) as connection:
            cursor = connection.cursor()
            cursor.execute("CREATE DATABASE D")
            body = "import next_to_it\ndef f():\n    return next_to_it.ANSWER"
            cursor.execute(function("F()", "INT", body, options="PACKAGES = ('next-to-it==1.2')"))
            cursor.execute("SELECT F()")
            assert cursor.fetchone() == (42,)
    finally:
        server.stop()
