"""Statements by chance: each one ends with rows or with an error in words, and the session goes on."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.attack.conftest import LONG, SHORT
from tests.unit.in_process import Runner

from local_snowflake.errors import SnowflakeError

# what a client has no business to read: names of Python's, of libraries, of DuckDB's
INTERNAL = re.compile(
    r"Traceback|<class |sqlglot|[Dd]uck[Dd][Bb]|fakesnow|(?:Type|Key|Value|Attribute|Index|Recursion|Unicode\w+)Error|"
    r"\b(?:Binder|Parser|Catalog|Conversion|Invalid Input|Not implemented) Error:|NoneType|object has no attribute"
)
WORDS = (
    *("SELECT", "FROM", "WHERE", "T", "ID", "S", "(", ")", ",", "*", "1", "'a'", "NULL", "AND", "NOT", "AS", "X", "."),
    *(
        "WITH",
        "UNION ALL",
        "ORDER BY",
        "GROUP BY ALL",
        "HAVING",
        "QUALIFY",
        "OVER",
        "PARTITION BY",
        "CASE WHEN",
        "THEN",
    ),
    *(
        "END",
        "LIMIT",
        "JOIN",
        "ON",
        "USING",
        "LATERAL",
        "FLATTEN",
        "TABLE",
        "INPUT =>",
        ":a",
        "::INT",
        "::",
        "[0]",
        "{",
        "}",
    ),
    *(
        "INSERT INTO",
        "VALUES",
        "UPDATE",
        "SET",
        "DELETE FROM",
        "MERGE INTO",
        "PIVOT",
        "AT",
        "BEFORE",
        "OFFSET =>",
        "-1",
    ),
    *("COUNT", "SUM", "ABS", "TO_DATE", "DATEADD", "DATE_TRUNC", "OBJECT_CONSTRUCT", "PARSE_JSON", "LISTAGG", "DECODE"),
    *(
        "RESULT_SCAN",
        "LAST_QUERY_ID()",
        "IDENTIFIER",
        "$1",
        "$x",
        "?",
        ":1",
        ";",
        "'",
        '"',
        "$$",
        "--",
        "/*",
        "\\",
        "é",
        "\x00",
    ),
    *(
        "CREATE VIEW V AS",
        "CREATE TABLE U",
        "EXECUTE IMMEDIATE",
        "BEGIN",
        "DECLARE",
        "LET",
        "CALL",
        "USE",
        "SHOW",
        "DESC",
    ),
    *(
        "EXCEPT",
        "INTERSECT",
        "IN",
        "LIKE",
        "BETWEEN",
        "IS",
        "!",
        "->",
        "||",
        "%",
        "/",
        "0",
        "1e400",
        "x'zz'",
        "MATCH_RECOGNIZE",
    ),
)
WHOLE = (
    "SELECT ID, COUNT(*) OVER (PARTITION BY S ORDER BY ID) AS N FROM T WHERE S LIKE 'a%' QUALIFY N > 0 LIMIT 3",
    "SELECT F.VALUE:a::INT FROM T, LATERAL FLATTEN(INPUT => PARSE_JSON('[{\"a\": 1}]')) F",
    "MERGE INTO T USING (SELECT 1 AS ID) U ON T.ID = U.ID WHEN MATCHED THEN UPDATE SET S = 'c'",
    "WITH A AS (SELECT DATEADD('day', 1, '2024-01-01'::DATE) AS D) SELECT TO_CHAR(D, 'YYYY'), DATEDIFF('day', D, D)",
    "CREATE OR REPLACE TABLE U (A NUMBER(10,2) NOT NULL DEFAULT 1, B VARIANT) COMMENT = 'x'",
    "BEGIN LET x INT := 1; FOR i IN 1 TO 3 DO x := x + i; END FOR; RETURN x; EXCEPTION WHEN OTHER THEN RETURN 1; END",
    "COPY INTO T FROM @ST FILE_FORMAT = (TYPE = CSV SKIP_HEADER = 1) ON_ERROR = CONTINUE",
    "SELECT * FROM T PIVOT (MAX(ID) FOR S IN ('a', 'b')) AS P (A, B)",
    "ALTER TABLE T ADD COLUMN IF NOT EXISTS C INT",
    "SELECT * FROM TABLE(GENERATOR(ROWCOUNT => 3)) AT (OFFSET => -1)",
)
tokens = st.lists(st.sampled_from(WORDS), min_size=1, max_size=14).map(" ".join)
pieces = st.sampled_from([piece for sql in WHOLE for piece in re.findall(r"\w+|\S", sql)])


@st.composite
def changed(draw: st.DrawFn) -> str:
    """A statement, some of whose words are left out, repeated or replaced."""
    words = re.findall(r"'[^']*'|\w+|\S", draw(st.sampled_from(WHOLE)))
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(words) - 1))
        words[at : at + 1] = draw(
            st.sampled_from([[], [words[at]] * 2, [draw(pieces)], [words[at], draw(pieces)]])
        ) or [""]
    return " ".join(words)


statements = st.one_of(tokens, changed(), changed(), st.text(max_size=60).map(lambda text: f"SELECT {text}"))


def ends_in_words(run: Runner, sql: str) -> None:
    message = ""
    try:
        run(sql)
    except SnowflakeError as error:
        message = error.message
    # what the client itself has written may be quoted
    own = [line for line in message.splitlines() if line.strip() not in sql]
    assert not INTERNAL.search("\n".join(own)), (sql, message)
    run("ROLLBACK")
    run("USE SCHEMA D.PUBLIC")


@settings(settings.get_profile("attack"), max_examples=SHORT, derandomize=True)
@given(sql=statements)
def test_a_statement_by_chance_ends_in_words(run: Runner, sql: str) -> None:
    ends_in_words(run, sql)


@pytest.mark.slow
@pytest.mark.timeout(0)
@settings(settings.get_profile("attack"), max_examples=LONG)
@given(sql=statements)
def test_many_statements_by_chance_end_in_words(run: Runner, sql: str) -> None:
    ends_in_words(run, sql)


@pytest.mark.parametrize(
    ("sql", "code", "text"),
    [
        ("SELECT 'abc", 1003, "the closing ' is missing"),
        ('SELECT "abc', 1003, 'the closing " is missing'),
        ("SELECT $$abc", 1003, "the closing $$ is missing"),
        ("SELECT ABS()", 938, "not enough arguments for function [ABS]"),
        ("SELECT ABS(1, 2, 3)", 939, "too many arguments for function [ABS(1, 2, 3)] expected 1, got 3"),
        ("SELECT IFF(1)", 938, "not enough arguments for function [IFF]"),
        ("SELECT LAST_QUERY_ID(1, 2, 3)", 939, "too many arguments for function [LAST_QUERY_ID]"),
        ("SELECT SYSTEM$WAIT()", 938, "not enough arguments for function [SYSTEM$WAIT]"),
        ("SELECT GET_DDL()", 938, "not enough arguments for function [GET_DDL]"),
        ("SELECT ?", 2049, "Bind variable ? not set."),
        ("SELECT FROM", 1003, "syntax error line 1 at position 7 unexpected 'FROM'"),
        ("SELECT * FROM T AT (OFFSET => 'x')", 1008, "invalid value [x] for OFFSET"),
        ("SELECT CONVERT_TIMEZONE('Nope/Zone', CURRENT_TIMESTAMP)", 603, "Unknown TimeZone 'Nope/Zone'"),
    ],
)
def test_a_mistake_has_an_error_of_its_own(run: Runner, sql: str, code: int, text: str) -> None:
    with pytest.raises(SnowflakeError) as refused:
        run(sql)
    assert refused.value.code == code
    assert text in refused.value.message
    assert not INTERNAL.search(refused.value.message)
