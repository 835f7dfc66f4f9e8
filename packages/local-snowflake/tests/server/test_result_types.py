"""The types of result columns that a query's text tells: casts, semi-structured values, the width of integers."""

from __future__ import annotations

import datetime as dt
import json

import pytest
from snowflake.snowpark import Session
from snowflake.snowpark.types import ArrayType, MapType, StringType, VariantType


@pytest.mark.parametrize(
    ("sql", "kind"),
    [
        ("SELECT PARSE_JSON('[1]')::ARRAY AS X", ArrayType),
        ("WITH Q AS (SELECT CAST(PARSE_JSON('[1]') AS ARRAY) AS X) SELECT * FROM (SELECT * FROM Q)", ArrayType),
        ("SELECT ARRAY_AGG(N) AS X FROM (SELECT 1 AS N) GROUP BY N", ArrayType),
        ("SELECT OBJECT_CONSTRUCT('a', 1) AS X", MapType),
        ("SELECT (PARSE_JSON('{}')::OBJECT) AS X", MapType),
        ("SELECT PARSE_JSON('[1]') AS X", VariantType),
        ("SELECT PARSE_JSON('[1]')::ARRAY[0] AS X", VariantType),
    ],
)
def test_semi_structured_types_are_told_apart(session: Session, sql: str, kind: type) -> None:
    assert isinstance(session.sql(sql).schema.fields[0].datatype, kind)


def test_a_cast_keeps_its_length(session: Session) -> None:
    frame = session.sql("SELECT X AS Y FROM (SELECT 'a'::VARCHAR(3) AS X, 1 AS N)")
    assert frame.schema.fields[0].datatype == StringType(3)


def test_integers_are_as_wide_as_their_type(session: Session) -> None:
    names = ["A NUMBER(2,0)", "B NUMBER(4,0)", "C NUMBER(9,0)", "D NUMBER(18,0)", "E INT", "F NUMBER(3,1)"]
    session.sql(f"CREATE OR REPLACE TABLE W ({', '.join(names)})").collect()
    session.sql("INSERT INTO W VALUES (99, -9999, 123456789, 1, 1, 1.5)").collect()
    found = session.table("W").to_pandas()
    assert [str(t) for t in found.dtypes] == ["int8", "int16", "int32", "int64", "int64", "float64"]
    assert found.iloc[0].tolist() == [99, -9999, 123456789, 1, 1, 1.5]


def test_columns_of_one_name_keep_it(session: Session) -> None:
    frame = session.sql("SELECT L.*, R.* FROM (SELECT 1 AS A) AS L, (SELECT 2 AS A) AS R")
    assert frame.columns == ["A", "A"]
    assert tuple(frame.collect()[0]) == (1, 2)


def test_the_keys_of_an_object_constant_keep_their_case(session: Session) -> None:
    found = session.sql("SELECT {'a': 1, 'Bc d': {'e': NULL}} AS X, {'a': 1}:a AS Y, {'a': 'x'}:A AS Z").collect()[0]
    assert (json.loads(found["X"]), found["Y"], found["Z"]) == ({"a": 1, "Bc d": {"e": None}}, "1", None)


def test_texts_are_read_as_bytes_and_times(session: Session) -> None:
    sql = "SELECT '6162'::BINARY AS B, B::BINARY AS C, TRY_CAST('x' AS BINARY) AS D, TIME('16:10:02.5') AS T"
    assert tuple(session.sql(sql).collect()[0]) == (b"ab", b"ab", None, dt.time(16, 10, 2, 500_000))
    assert session.sql("SELECT NULL::BINARY").collect()[0][0] is None


def test_nothing_is_found_in_every_form(session: Session) -> None:
    found = session.sql("SELECT 1 AS A, 'x' AS \"b\", PARSE_JSON('1') AS V WHERE FALSE")
    frame = found.to_pandas()
    assert (len(frame), list(frame.columns)) == (0, ["A", "b", "V"])
    assert [c.strip('"') for c in found.columns] == ["A", "b", "V"]
    assert found.collect() == []
    assert list(found.to_local_iterator()) == []
    assert found.to_arrow().num_rows == 0


def test_what_is_shown_is_json_of_which_snowpark_quotes_the_names(session: Session) -> None:
    found = session.sql("SHOW TABLES LIKE 'NONE'")
    frame = found.to_pandas()
    assert (len(frame), list(frame.columns)[:2]) == (0, ['"created_on"', '"name"'])
    assert found.collect() == []
    assert list(found.to_local_iterator()) == []


def test_a_table_is_made_if_it_does_not_exist_wherever_the_words_stand(session: Session) -> None:
    session.sql("CREATE OR REPLACE TABLE X (A INT)").collect()
    for sql in ("CREATE TABLE X IF NOT EXISTS (B INT)", "CREATE TABLE IF NOT EXISTS X (B INT)"):
        assert session.sql(sql).collect()[0]["status"] == "X already exists, statement succeeded."
    session.sql('CREATE TEMPORARY TABLE "y" IF NOT EXISTS (B INT)').collect()
    assert session.table('"y"').columns == ["B"]
