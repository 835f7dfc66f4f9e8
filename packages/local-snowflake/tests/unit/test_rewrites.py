"""Every rewrite in sql/rewrites: SQL before, SQL after."""

from __future__ import annotations

import re

import pytest
from tests.unit.sql_rewriting import rewritten

from local_snowflake.errors import SnowflakeError
from local_snowflake.sql.compiler import TreeRewrite
from local_snowflake.sql.rewrites.generators import order_of_generation, samples_of_blocks
from local_snowflake.sql.rewrites.joins import joins_of_snowflake
from local_snowflake.sql.rewrites.pivots import pivots_of_snowflake
from local_snowflake.sql.rewrites.semi_structured.arrays import arrays_as_json, variants_as_json
from local_snowflake.sql.rewrites.semi_structured.flatten import flatten_options

_CASES: list[tuple[TreeRewrite, str, dict[str, str]]] = [
    (
        arrays_as_json,
        "SELECT {}",
        {
            "[1, 2]": "[1, 2]",
            "['a']": "['a']",
            "[1, 'a']": "JSON_ARRAY(1, 'a')",
            "[X]": "JSON_ARRAY(X)",
            "[]": "JSON_ARRAY()",
            "ARRAY_APPEND(A, 1)": "TO_JSON(ARRAY_APPEND(JSON_LIST(A), TO_JSON(1)))",
            "ARRAY_CAT(A, B)": "TO_JSON(ARRAY_CAT(JSON_LIST(A), JSON_LIST(B)))",
            "ARRAY_SLICE(A, 0, 1)": "TO_JSON(ARRAY_SLICE(JSON_LIST(A), 0, 1))",
            "ARRAY_DISTINCT(A)": "TO_JSON(FIRST_ONES(JSON_LIST(A)))",
            "ARRAY_INTERSECTION(A, B)": "TO_JSON(ARRAY_INTERSECTION(JSON_LIST(A), JSON_LIST(B)))",
            "ARRAY_EXCEPT(A, B)": "TO_JSON(ARRAY_EXCEPT(JSON_LIST(A), JSON_LIST(B)))",
            "ARRAY_REMOVE(A, 1)": "TO_JSON(ARRAY_REMOVE(JSON_LIST(A), TO_JSON(1)))",
            "ARRAY_CONTAINS(X, A)": "ARRAY_CONTAINS(TO_JSON(X), JSON_LIST(A))",
            "ARRAY_POSITION(X, A)": "ARRAY_POSITION(TO_JSON(X), JSON_LIST(A))",
            "ARRAYS_OVERLAP(A, B)": "ARRAYS_OVERLAP(JSON_LIST(A), JSON_LIST(B))",
            "ARRAY_TO_STRING(A, ',')": "ARRAY_TO_STRING(JSON_TEXTS(A), ',')",
        },
    ),
    (
        variants_as_json,
        "SELECT {}",
        {
            "ARRAY_FLATTEN(A)": "ARRAY_FLATTEN(A)",
            "OBJECT_INSERT(O, 'k', 1)": "OBJECT_INSERT(O, 'k', 1, FALSE)",
            "TYPEOF(V)": "TYPE_OF(V)",
            "1::VARIANT": "TO_VARIANT(1)",
            "'1'::INT": "CAST('1' AS INT)",
        },
    ),
    (
        order_of_generation,
        "SELECT ROW_NUMBER() {}",
        {
            "OVER (ORDER BY SEQ4())": "OVER ()",
            "OVER (PARTITION BY A ORDER BY SEQ8())": "OVER (PARTITION BY A)",
            "OVER (ORDER BY SEQ8(), A)": "OVER (ORDER BY SEQ8(), A)",
        },
    ),
    (
        joins_of_snowflake,
        "SELECT {}",
        {
            "A FROM T INNER JOIN U": "A FROM T CROSS JOIN U",
            "A FROM T JOIN U ON A = B": "A FROM T JOIN U ON A = B",
            "A, * FROM T JOIN U USING (B)": "A, * FROM T JOIN U USING (B)",
            "* FROM T JOIN U USING (B, A)": '"B", "A", * EXCLUDE ("B", "A") FROM T JOIN U USING (B, A)',
            "X FROM T ASOF JOIN U MATCH_CONDITION (T.X >= U.X) ON T.A = U.A": (
                "X FROM T ASOF LEFT JOIN U ON T.X >= U.X AND T.A = U.A"
            ),
            "* FROM T ASOF JOIN U MATCH_CONDITION (T.X >= U.X) USING (A)": (
                '"T"."A", * EXCLUDE ("T"."A", "U"."A") FROM T ASOF LEFT JOIN U ON T.X >= U.X AND "T"."A" = "U"."A"'
            ),
        },
    ),
    (
        pivots_of_snowflake,
        "SELECT {}",
        {
            "* FROM T PIVOT (SUM(A) FOR M IN ('x', 'y'))": "* FROM T PIVOT(SUM(A) FOR M IN ('x', 'y'))",
            "* FROM T PIVOT (SUM(A) FOR M IN (1::INT))": (
                '* FROM T PIVOT(SUM(A) FOR M IN (CAST(1 AS INT) AS "CAST(1 AS NUMBER(38,0))"))'
            ),
            "* FROM T PIVOT (SUM(A) FOR M IN (1) DEFAULT ON NULL (0)) AS P": (
                '* FROM (SELECT * REPLACE (COALESCE("1", 0) AS "1") FROM T PIVOT(SUM(A) FOR M IN (1)) AS P) AS P'
            ),
        },
    ),
    (
        samples_of_blocks,
        "SELECT * FROM T TABLESAMPLE {}",
        {
            "BLOCK (3)": "SYSTEM (3)",
            "BERNOULLI (3)": "BERNOULLI (3)",
            "SYSTEM (3)": "SYSTEM (3)",
        },
    ),
]


@pytest.mark.parametrize(
    ("rewrite", "before", "after"),
    [(rewrite, sql.format(a), sql.format(b)) for rewrite, sql, cases in _CASES for a, b in cases.items()],
)
def test_a_rewrite(rewrite: TreeRewrite, before: str, after: str) -> None:
    assert rewritten(rewrite, before) == after


def test_flatten_of_a_constant_has_one_row_as_its_input() -> None:
    after = rewritten(flatten_options, "SELECT * FROM TABLE(FLATTEN(INPUT => PARSE_JSON('[1]')))")
    assert after == "SELECT * FROM FLAT_ROWS(PARSE_JSON('[1]'), 1)"


@pytest.mark.parametrize(
    ("arguments", "rows"),
    [
        ("V", "FLAT_ROWS(V, {1})"),
        ("$1", "FLAT_ROWS($1, {1})"),
        (
            "INPUT => V, OUTER => TRUE",
            "FLAT_OPTIONS(V, JSON({0}, TO_JSON(V), '', FALSE, 'BOTH')), {1}, TRUE)",
        ),
        (
            "V, 'a', FALSE, TRUE, 'array'",
            "FLAT_OPTIONS(GET_PATH(V, 'a'), JSON({0}, TO_JSON(GET_PATH(V, 'a')), 'a', TRUE, 'ARRAY')), {1}, FALSE)",
        ),
    ],
    ids=["without options", "of a staged file", "named", "in order"],
)
def test_flatten_with_options_is_python(arguments: str, rows: str) -> None:
    after = rewritten(flatten_options, f"SELECT F.VALUE FROM T, LATERAL FLATTEN({arguments}) F")
    rows = rows.format("_PYTHON_VARCHAR('function:flatten'", "_PYTHON_BIGINT('function:numbers', 'N')")
    assert (
        re.sub("'[0-9a-f]{32}'", "'N'", after)
        == f"SELECT F.VALUE FROM T, {rows} AS F(SEQ, KEY, PATH, INDEX, VALUE, THIS)"
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("OUTER => TRUE", "FLATTEN needs INPUT"),
        ("INPUT => V, OUTER => X", "FLATTEN's OUTER is TRUE or FALSE, not X"),
        ("INPUT => V, MODE => 'ROWS'", "FLATTEN's MODE is 'OBJECT', 'ARRAY' or 'BOTH', not 'ROWS'"),
    ],
)
def test_flatten_refuses_wrong_options(arguments: str, message: str) -> None:
    with pytest.raises(SnowflakeError, match=message):
        rewritten(flatten_options, f"SELECT * FROM TABLE(FLATTEN({arguments}))")
