"""The text of a block of Snowflake Scripting -> its tree."""

from __future__ import annotations

import re

import pytest

from local_snowflake.errors import SnowflakeError
from local_snowflake.scripting import tree
from local_snowflake.scripting.reading import is_block, read_block


def steps(text: str) -> tuple[tree.Step, ...]:
    return read_block(f"BEGIN {text} END").body


def test_declarations_have_types_and_values() -> None:
    block = read_block(
        "DECLARE N INT DEFAULT 1; S := 'a;b'; C CURSOR FOR SELECT 1; R RESULTSET; E EXCEPTION (-20001, 'no'); "
        "BEGIN RETURN N; END;"
    )
    kinds = [type(d).__name__ for d in block.declarations]
    assert kinds == ["Declare", "Declare", "DeclareCursor", "DeclareResultSet", "DeclareException"]
    number, text, cursor, _, exception = block.declarations
    assert isinstance(number, tree.Declare)
    assert (number.name, number.type, number.value) == ("N", "NUMBER(38,0)", "1")
    assert isinstance(text, tree.Declare)
    assert (text.type, text.value) == (None, "'a;b'")
    assert isinstance(cursor, tree.DeclareCursor)
    assert cursor.query == "SELECT 1"
    assert isinstance(exception, tree.DeclareException)
    assert (exception.number, exception.text) == (-20001, "no")


def test_branches_keep_the_case_expressions_of_their_conditions() -> None:
    (branch,) = steps(
        "IF (CASE WHEN A THEN 1 END = 1) THEN X := 1; ELSEIF (B) THEN NULL; ELSE BREAK; END IF;",
    )
    assert isinstance(branch, tree.Branch)
    assert [condition for condition, _ in branch.branches] == ["(CASE WHEN A THEN 1 END = 1)", "(B)", None]
    (case,) = steps("CASE (X) WHEN 1 THEN RETURN 'a'; WHEN 2 THEN RETURN 'b'; END CASE;")
    assert isinstance(case, tree.Branch)
    assert (case.subject, [condition for condition, _ in case.branches]) == ("(X)", ["1", "2"])


def test_loops_have_bounds_conditions_and_labels() -> None:
    counting, rows, while_, repeat, loop = steps(
        "FOR I IN REVERSE 1 TO N DO NULL; END FOR; FOR R IN C DO NULL; END FOR; WHILE (A < 2) DO NULL; "
        "END WHILE OUTER_; REPEAT NULL; UNTIL (A > 2) END REPEAT; LOOP CONTINUE OUTER_; END LOOP;"
    )
    assert isinstance(counting, tree.CountingLoop)
    assert (counting.name, counting.first, counting.last, counting.reverse) == ("I", "1", "N", True)
    assert isinstance(rows, tree.RowLoop)
    assert (rows.name, rows.source) == ("R", "C")
    assert isinstance(while_, tree.Loop)
    assert (while_.condition, while_.label) == ("(A < 2)", "OUTER_")
    assert isinstance(repeat, tree.Loop)
    assert repeat.until == "(A > 2)"
    assert isinstance(loop, tree.Loop)
    (jump,) = loop.body
    assert isinstance(jump, tree.Jump)
    assert (jump.leave, jump.label) == (False, "OUTER_")


def test_statements_and_their_targets() -> None:
    select, insert, immediate, fetch, table = steps(
        "SELECT A, MAX(B) INTO :x, y FROM T; INSERT INTO T VALUES (1); "
        "EXECUTE IMMEDIATE 'SELECT ?' INTO z USING (x, 1); FETCH C INTO x, y; RETURN TABLE(R);"
    )
    assert isinstance(select, tree.Sql)
    assert (select.text, select.into) == ("SELECT A, MAX(B) FROM T", ("X", "Y"))
    assert isinstance(insert, tree.Sql)
    assert insert.text == "INSERT INTO T VALUES (1)"
    assert isinstance(immediate, tree.Immediate)
    assert (immediate.text, immediate.using, immediate.into) == ("'SELECT ?'", ("x", "1"), ("Z",))
    assert isinstance(fetch, tree.Cursor)
    assert fetch.values == ("X", "Y")
    assert isinstance(table, tree.Return)
    assert (table.value, table.table) == ("R", True)


def test_exception_handlers_belong_to_their_block() -> None:
    block = read_block(
        "BEGIN BEGIN RAISE E; EXCEPTION WHEN E OR F THEN RAISE; END; EXCEPTION WHEN OTHER THEN NULL; END"
    )
    assert [handler.names for handler in block.handlers] == [("OTHER",)]
    (inner,) = block.body
    assert isinstance(inner, tree.Block)
    assert [handler.names for handler in inner.handlers] == [("E", "F")]


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("BEGIN RETURN 1; END", True),
        ("DECLARE X INT; BEGIN NULL; END", True),
        ("BEGIN", False),
        ("begin transaction", False),
        ("BEGIN WORK", False),
        ("SELECT 1", False),
    ],
)
def test_a_block_is_distinguished_from_a_transaction(sql: str, expected: bool) -> None:
    assert is_block(sql) is expected


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("BEGIN RETURN 1 END", "syntax error"),
        ("BEGIN X := ; END", "expected an expression"),
        ("BEGIN FOR I IN 1 TO 2 NULL; END FOR; END", "syntax error"),
        ("BEGIN ASYNC (SELECT 1); END", "ASYNC in Snowflake Scripting"),
        ("BEGIN EXECUTE IMMEDIATE FROM '@st/x.sql'; END", "EXECUTE IMMEDIATE FROM a file"),
        ("BEGIN NULL; EXCEPTION WHEN OTHER CONTINUE THEN NULL; END", "EXCEPTION WHEN … CONTINUE"),
    ],
)
def test_a_block_that_cannot_run_is_refused_before_it_does(sql: str, message: str) -> None:
    with pytest.raises(SnowflakeError, match=re.escape(message)):
        read_block(sql)
