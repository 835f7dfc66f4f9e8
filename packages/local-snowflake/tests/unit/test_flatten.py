"""The rows of FLATTEN and SPLIT_TO_TABLE: their order, their numbers and their paths."""

from __future__ import annotations

import pytest
from tests.unit.in_process import Directory, Runner


@pytest.fixture
def run(directory: Directory) -> Runner:
    run = directory.open()
    run("CREATE TABLE T (ID INT, V VARIANT, S VARCHAR)")
    for number in (1, 2, 3):
        run(f"INSERT INTO T SELECT {number}, PARSE_JSON('{{\"b\": [1, null, 3], \"a x\": {{\"it''s\": 5}}}}'), 'p-q'")
    return run


@pytest.mark.parametrize(
    "call", ["LATERAL FLATTEN(V:b)", "LATERAL FLATTEN(V:b, OUTER => TRUE)", "TABLE(FLATTEN(V, 'b'))"]
)
def test_the_rows_are_in_the_order_of_what_they_come_from(run: Runner, call: str) -> None:
    members = [(0, "1"), (1, "null"), (2, "3")]
    expected = [(number, *member) for number in (1, 2, 3) for member in members]
    assert run(f"SELECT ID, F.INDEX, F.VALUE FROM T, {call} F") == expected


@pytest.mark.parametrize("call", ["FLATTEN(V:b)", "FLATTEN(V:b, OUTER => TRUE)", "SPLIT_TO_TABLE(S, '-')"])
def test_two_equal_rows_have_different_numbers(run: Runner, call: str) -> None:
    rows = run(f"SELECT COUNT(DISTINCT ID) FROM T, LATERAL {call} F GROUP BY F.SEQ")
    assert rows == [(1,), (1,), (1,)]
    assert run(f"SELECT COUNT(*) FROM T, LATERAL {call} F WHERE SEQ < 0") == [(0,)]


@pytest.mark.parametrize("call", ["FLATTEN(V:b)", "FLATTEN(V:b, OUTER => TRUE)", "SPLIT_TO_TABLE(S, '-')"])
def test_the_rows_of_the_input_are_numbered_from_one_in_each_statement(run: Runner, call: str) -> None:
    for _ in range(2):
        assert run(f"SELECT DISTINCT ID, F.SEQ FROM T, LATERAL {call} F ORDER BY 1") == [(1, 1), (2, 2), (3, 3)]


def test_calls_in_one_statement_number_their_own_rows(run: Runner) -> None:
    tables = "T, LATERAL SPLIT_TO_TABLE(S, '-') F, LATERAL SPLIT_TO_TABLE(F.VALUE, '-') G"
    rows = run(f"SELECT F.SEQ AS A, G.SEQ AS B, G.VALUE FROM {tables} ORDER BY 2 LIMIT 3")
    assert rows == [(1, 1, "p"), (1, 2, "q"), (2, 3, "p")]


def test_a_constant_is_row_one(run: Runner) -> None:
    assert run("SELECT SEQ, VALUE FROM TABLE(FLATTEN(PARSE_JSON('[7, 8]')))") == [(1, "7"), (1, "8")]
    assert run("SELECT SEQ, INDEX, VALUE FROM TABLE(SPLIT_TO_TABLE('a,b', ','))") == [(1, 1, "a"), (1, 2, "b")]


def test_keys_that_are_no_names_are_in_brackets_in_a_path(run: Runner) -> None:
    assert run("SELECT F.PATH FROM T, LATERAL FLATTEN(V) F WHERE ID = 1") == [("['a x']",), ("b",)]
    assert run("SELECT F.PATH FROM T, LATERAL FLATTEN(V['a x']) F WHERE ID = 1") == [("['it\\'s']",)]
    paths = run("SELECT F.PATH FROM T, LATERAL FLATTEN(V, RECURSIVE => TRUE, MODE => 'OBJECT') F WHERE ID = 1")
    assert paths == [("['a x']",), ("['a x']['it\\'s']",), ("b",)]


def test_a_null_in_json_is_a_value_that_is_none(run: Runner) -> None:
    rows = run(
        "SELECT F.VALUE IS NULL, IS_NULL_VALUE(F.VALUE) FROM T, LATERAL FLATTEN(V:b) F WHERE ID = 1 AND INDEX = 1"
    )
    assert rows == [(False, True)]


def test_scalars_have_no_rows(run: Runner) -> None:
    assert run("SELECT * FROM TABLE(FLATTEN(PARSE_JSON('3')))") == []
    assert run("SELECT * FROM T, LATERAL FLATTEN(V:missing)") == []
