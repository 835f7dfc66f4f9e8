"""What a statement may cost: texts, arrays and nesting without end are errors, and the server goes on."""

from __future__ import annotations

import sys
import threading

import pytest
from tests.unit.in_process import Runner, code

from local_snowflake.errors import SnowflakeError

TOO_LONG, TOO_LARGE, TIMED_OUT, NESTED = 100078, 100082, 630, 1003

MANY = "SELECT SEQ4() AS A FROM TABLE(GENERATOR(ROWCOUNT => 1000000))"


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("REPEAT('x', 2000000000)", TOO_LONG),
        ("REPEAT(S, 2000000000)", TOO_LONG),
        ("REPEAT(REPEAT('x', 10000000), 10)", TOO_LONG),
        ("SPACE(2000000000)", TOO_LONG),
        ("LPAD('x', 2000000000)", TOO_LONG),
        ("RPAD(S, 2000000000, 'yz')", TOO_LONG),
        ("RANDSTR(2000000000, RANDOM())", TOO_LONG),
        ("ARRAY_GENERATE_RANGE(0, 2000000000)", TOO_LARGE),
        ("ARRAY_GENERATE_RANGE(2000000000, 0, -1)", TOO_LARGE),
    ],
)
def test_a_value_that_fits_no_type_is_not_made(run: Runner, expression: str, expected: int) -> None:
    assert code(run, f"SELECT {expression} FROM T") == expected
    assert run("SELECT COUNT(*) FROM T") == [(2,)]


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("LPAD('ab', 5, 'xyz')", "xyzab"),
        ("RPAD('ab', 5, 'xyz')", "abxyz"),
        ("LPAD('é', 4, 'ü')", "üüüé"),
        ("RPAD('abc', 2)", "ab"),
        ("RPAD('ab', -1)", ""),
        ("LPAD('ab', 5, '')", "ab"),
        ("RPAD(NULL, 3)", None),
        ("RPAD('a', NULL)", None),
        ("LPAD('a', 3, NULL)", None),
        ("REPEAT('ab', 3)", "ababab"),
        ("REPEAT('ab', -1)", ""),
        ("REPEAT('', 3)", ""),
        ("REPEAT('a', NULL)", None),
        ("REPEAT(7, 2)", "77"),
        ("SPACE(2)", "  "),
        ("ARRAY_GENERATE_RANGE(0, 3)", [0, 1, 2]),
        ("ARRAY_GENERATE_RANGE(5, 0, -2)", [5, 3, 1]),
        ("ARRAY_GENERATE_RANGE(5, 0)", []),
    ],
)
def test_a_value_that_fits_is_made(run: Runner, expression: str, value: object) -> None:
    assert run(f"SELECT {expression}") == [(value,)]


@pytest.mark.parametrize(
    "sql",
    [
        f"SELECT COUNT(*) FROM ({MANY}) X, ({MANY}) Y WHERE X.A + Y.A = 7",
        "WITH RECURSIVE R AS (SELECT 1 AS N UNION ALL SELECT N + 1 FROM R) SELECT COUNT(*) FROM R",
        "SELECT COUNT(*) FROM TABLE(GENERATOR(ROWCOUNT => 100000000000))",
    ],
)
def test_a_statement_without_end_is_timed_out(run: Runner, sql: str) -> None:
    run("ALTER SESSION SET STATEMENT_TIMEOUT_IN_SECONDS = 1")
    try:
        assert code(run, sql) == TIMED_OUT
    finally:
        run("ALTER SESSION UNSET STATEMENT_TIMEOUT_IN_SECONDS")


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT " + "(" * 20_000 + "1" + ")" * 20_000,
        "SELECT " + "ABS(" * 20_000 + "1" + ")" * 20_000,
        "SELECT " + "CASE WHEN TRUE THEN " * 5000 + "1" + " END" * 5000,
        "SELECT * FROM " + "(SELECT * FROM " * 5000 + "T" + ")" * 5000,
        "SELECT " + "NOT " * 20_000 + "TRUE",
        "SELECT " + "[" * 20_000 + "]" * 20_000,
        "SELECT " + "+".join(["1"] * 3000),
        "SELECT {" + "'a': {" * 5000 + "}" * 5001,
    ],
    ids=["brackets", "calls", "cases", "queries", "negations", "arrays", "sums", "objects"],
)
def test_nesting_without_end_is_an_error_in_words(run: Runner, sql: str) -> None:
    with pytest.raises(SnowflakeError, match="nested too deeply") as refused:
        run(sql)
    assert refused.value.code == NESTED
    assert run("SELECT COUNT(*) FROM T") == [(2,)]


def test_some_hundred_levels_are_read_with_the_servers_limits(run: Runner) -> None:
    """In a thread with the stack and the depth of calls that the server gives a statement."""
    from local_snowflake.protocol.limits import CALLS, STACK

    statements = (
        ("SELECT " + "(" * 300 + "1" + ")" * 300, 1),
        ("SELECT " + "ABS(" * 200 + "1" + ")" * 200, 1),
        ("SELECT COUNT(*) FROM " + "(SELECT * FROM " * 60 + "T" + ")" * 60, 2),
        ("SELECT " + "CASE WHEN TRUE THEN " * 100 + "1" + " END" * 100, 1),
        ("SELECT " + "+".join(["1"] * 900), 900),
    )
    found: list[object] = []
    limit, stack = sys.getrecursionlimit(), threading.stack_size(STACK)
    sys.setrecursionlimit(CALLS)
    try:
        work = threading.Thread(target=lambda: found.extend(run(sql)[0][0] for sql, _ in statements))
        work.start()
        work.join()
    finally:
        sys.setrecursionlimit(limit)
        threading.stack_size(stack)
    assert found == [value for _, value in statements]


def test_six_hundred_texts_are_put_together(run: Runner) -> None:
    run("CREATE OR REPLACE TABLE PARTS AS SELECT 1.5::FLOAT AS N, NULL::VARCHAR AS NOTHING")
    text = " || '|' || ".join(["COALESCE(ROUND(2 * N)::VARCHAR, '')"] * 300)
    assert run(f"SELECT {text} FROM PARTS") == [("|".join(["3"] * 300),)]
    assert run(f"SELECT NOTHING || {' || '.join(['NOTHING'] * 1200)} FROM PARTS") == [(None,)]


def test_two_thousand_columns(run: Runner) -> None:
    columns = [f"C{i}" for i in range(2000)]
    run(f"CREATE OR REPLACE TABLE WIDE ({', '.join(f'{c} INT' for c in columns)})")
    run(f"INSERT INTO WIDE VALUES ({', '.join(map(str, range(2000)))})")
    assert run(f"SELECT {', '.join(columns)} FROM WIDE") == [tuple(range(2000))]


def test_aliases_that_double_each_other_are_computed_once(run: Runner) -> None:
    doubled = ", ".join(f"X{i} / 2 + X{i} / 2 AS X{i + 1}" for i in range(40))
    assert run(f"SELECT {doubled} FROM (SELECT 1.5::FLOAT AS X0)") == [(1.5,) * 40]
    assert code(run, f"SELECT SUM(N)::FLOAT AS X0, {doubled} FROM (SELECT 1.5::FLOAT AS N)") == 2


def test_an_alias_of_an_alias_of_three_hundred(run: Runner) -> None:
    chain = ", ".join(f"X{i} + 1 AS X{i + 1}" for i in range(300))
    assert run(f"SELECT {chain} FROM (SELECT 0 AS X0)") == [tuple(range(1, 301))]
