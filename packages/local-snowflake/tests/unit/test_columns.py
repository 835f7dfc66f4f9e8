"""Columns of results: names of expressions, types of casts and functions, Snowflake's types and DuckDB's."""

from __future__ import annotations

import pytest

from local_snowflake.sql.columns.outputs import expression_type, keep_texts, name_outputs
from local_snowflake.sql.dialect import parse
from local_snowflake.sql.statement import parse_statement
from local_snowflake.sql.types import SfType, from_duckdb, parse_type


@pytest.mark.parametrize(
    ("sql", "names"),
    [
        (
            "SELECT 3 :: int, sum( 1 ), 'James', 1+ 1 AS x, COUNT(*)",
            ["3 :: INT", "SUM( 1 )", "'JAMES'", "x", "COUNT(*)"],
        ),
        ("WITH a AS (SELECT 1, 2 AS b) SELECT b, 2+2 FROM a", ["b", "2+2"]),
        ("(SELECT DISTINCT 1::int) UNION ALL (SELECT 2)", ["1::INT"]),
        ("SELECT greatest(1, 2), [1, 2]", ["GREATEST(1, 2)", "[1, 2]"]),
        ("SELECT a, 1 /* one */, b FROM t WHERE c = 1", ["a", "1", "b"]),
    ],
)
def test_columns_are_named_by_their_text(sql: str, names: list[str]) -> None:
    statement = parse_statement(sql, ())
    tree = parse(statement)
    keep_texts(tree, statement)
    name_outputs(tree)
    assert tree.named_selects == names  # type: ignore[attr-defined]


def test_columns_of_subqueries_are_named_too() -> None:
    tree = parse("SELECT * FROM (SELECT A + 1, COUNT(*) FROM T)")
    name_outputs(tree)
    assert tree.sql(dialect="snowflake") == 'SELECT * FROM (SELECT A + 1 AS "A + 1", COUNT(*) AS "COUNT(*)" FROM T)'


@pytest.mark.parametrize(
    ("expression", "kind"),
    [
        ("X::VARCHAR(3)", "VARCHAR(3)"),
        ("(X)::NUMBER(10, 2)", "NUMBER(10,2)"),
        ("TRY_CAST(X AS DATE)", "DATE"),
        ("X::ARRAY(NUMBER)", "ARRAY"),
        ("ARRAY_AGG(X) WITHIN GROUP (ORDER BY X)", "ARRAY"),
        ("[1]", "ARRAY"),
        ("ARRAY_INSERT(X, 0, 1)", "ARRAY"),
        ("OBJECT_CONSTRUCT('a', 1)", "OBJECT"),
        ("OBJECT_DELETE(X, 'a')", "OBJECT"),
        ("PARSE_JSON('1')", "VARIANT"),
        ("X + 1", None),
        ("UPPER(X)", None),
    ],
)
def test_types_that_an_expression_tells(expression: str, kind: str | None) -> None:
    assert expression_type(parse(f"SELECT {expression}").expressions[0]) == kind


@pytest.mark.parametrize(
    ("text", "kind", "stored", "logical"),
    [
        ("int", "NUMBER(38,0)", "BIGINT", "fixed"),
        ("number(10, 2)", "NUMBER(10,2)", "DECIMAL(10,2)", "fixed"),
        ("DECIMAL(20)", "NUMBER(20,0)", "DECIMAL(20,0)", "fixed"),
        ("double  precision", "FLOAT", "DOUBLE", "real"),
        ("string", "VARCHAR(16777216)", "VARCHAR", "text"),
        ("char", "VARCHAR(1)", "VARCHAR", "text"),
        ("binary(3)", "BINARY(3)", "BLOB", "binary"),
        ("time(3)", "TIME(3)", "TIME", "time"),
        ("timestamp", "TIMESTAMP_NTZ(9)", "TIMESTAMP", "timestamp_ntz"),
        ("timestamp with time zone", "TIMESTAMP_TZ(9)", "INTERVAL", "timestamp_tz"),
        ("variant", "VARIANT", "JSON", "variant"),
    ],
)
def test_types_as_they_are_spelled(text: str, kind: str, stored: str, logical: str) -> None:
    found = parse_type(text)
    assert (str(found), found.duckdb, found.logical) == (kind, stored, logical)


def test_a_type_that_is_not_there_is_refused() -> None:
    with pytest.raises(ValueError, match="Unsupported data type 'GEOGRAPHY'"):
        parse_type(" GEOGRAPHY ")


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("DECIMAL(10,2)", SfType("NUMBER", 10, 2)),
        ("HUGEINT", SfType("NUMBER", 38, 0)),
        ("JSON", SfType("VARIANT")),
        ("INTEGER[]", SfType("ARRAY")),
        ("STRUCT(a INTEGER)", SfType("OBJECT")),
        ("TIMESTAMP_NS", SfType("TIMESTAMP_NTZ", scale=9)),
        ("UUID", SfType("VARCHAR", length=16_777_216)),
    ],
)
def test_types_of_duckdbs_results(text: str, kind: SfType) -> None:
    assert from_duckdb(text) == kind
