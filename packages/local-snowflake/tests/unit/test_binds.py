"""Bind values: as literals in the text, as rows of a batch, and as markers of a prepared INSERT."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pyarrow as pa
import pytest

from local_snowflake.errors import SnowflakeError
from local_snowflake.sql import binds
from local_snowflake.sql.binds import Prepared, is_preparable
from local_snowflake.sql.dialect import parse
from local_snowflake.sql.statement import Statement, parse_statement


def statement(sql: str) -> Statement:
    return parse_statement(sql, ())


def bindings(*values: tuple[str, Any]) -> dict[str, Any]:
    return {str(i): {"type": kind, "value": value} for i, (kind, value) in enumerate(values, 1)}


@pytest.mark.parametrize(
    ("kind", "value", "literal"),
    [
        ("TEXT", None, "NULL"),
        ("TEXT", "it's \\ x", "'it''s \\\\ x'"),
        ("FIXED", "-12", "-12"),
        ("REAL", "0.5", "'0.5'::FLOAT"),
        ("BOOLEAN", "true", "TRUE"),
        ("BINARY", "ff00", "TO_BINARY('ff00', 'HEX')"),
        ("DATE", "1709164800000", "'2024-02-29'::DATE"),
        ("DATE", "-86400000", "'1969-12-31'::DATE"),
        ("TIME", "86398123456000", "'23:59:58.123456'::TIME"),
        ("TIMESTAMP_NTZ", "1709210096789012000", "'2024-02-29 12:34:56.789012'::TIMESTAMP_NTZ"),
    ],
)
def test_a_value_becomes_a_literal(kind: str, value: str | None, literal: str) -> None:
    assert binds.inline(statement("SELECT ?"), bindings((kind, value))) == f"SELECT {literal}"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("SELECT ?, ?", "SELECT 1, 2"),
        ("SELECT :2, :1", "SELECT 2, 1"),
        ("SELECT ?::INT, '?'", "SELECT 1::INT, '?'"),
        ("SELECT ':1', A:1, :1", "SELECT ':1', A:1, 1"),
        ("SELECT 1 -- ?\n, ?", "SELECT 1 -- ?\n, 1"),
    ],
)
def test_placeholders_are_replaced_outside_of_texts_and_comments(before: str, after: str) -> None:
    assert binds.fill(statement(before), {"1": "1", "2": "2"}) == after


def test_values_are_filled_in_order() -> None:
    assert binds.fill_in_order("SELECT ?, ?", ["1", "'x'"]) == "SELECT 1, 'x'"
    assert binds.fill_in_order("SELECT ?", []) == "SELECT ?"


def test_a_missing_value_is_an_error() -> None:
    with pytest.raises(SnowflakeError, match="Bind variable :2 not set") as caught:
        binds.inline(statement("SELECT ?, ?"), bindings(("FIXED", "1")))
    assert caught.value.code == 2049


def test_a_batch_is_a_table_of_rows() -> None:
    values = bindings(("FIXED", ["1", None]), ("DATE", ["1709164800000", None]), ("TEXT", ["a", "b"]))
    sql, rows = binds.batch(statement("INSERT INTO T (A, B, C) VALUES (?, ?::DATE, UPPER(?))"), values, "ROWS")
    assert sql == 'INSERT INTO T (A, B, C) SELECT "B1", "B2"::DATE, UPPER("B3") FROM "ROWS"'
    assert rows.to_pydict() == {"B1": [1, None], "B2": [dt.date(2024, 2, 29), None], "B3": ["a", "b"]}


def test_a_batch_is_for_insert_alone() -> None:
    with pytest.raises(SnowflakeError, match=r"only INSERT … VALUES \(\?, …\) takes many rows"):
        binds.batch(statement("UPDATE T SET A = ?"), bindings(("FIXED", ["1", "2"])), "ROWS")


@pytest.mark.parametrize(
    ("kind", "texts", "values"),
    [
        ("DATE", ["1709164800000", None], [dt.date(2024, 2, 29), None]),
        ("DATE", ["2024-02-29", "1709164800000"], ["2024-02-29", "2024-02-29"]),
        ("BINARY", ["ff00", None], [b"\xff\x00", None]),
        ("VARCHAR", ["1709164800000"], ["1709164800000"]),
    ],
)
def test_texts_of_a_batch_are_read_as_their_columns_type(kind: str, texts: list[Any], values: list[Any]) -> None:
    assert binds.of_type(pa.chunked_array([pa.array(texts, pa.string())]), kind).to_pylist() == values


@pytest.mark.parametrize(
    ("sql", "values"),
    [
        ("INSERT INTO T VALUES (?, 'x', NULL), (1, ?, TRUE)", [("FIXED", "1"), ("TEXT", "a")]),
        ('insert into "t" (A) values (?)', [("REAL", "1.5")]),
        ("INSERT OVERWRITE INTO D.S.T VALUES (?)", [("BOOLEAN", "true")]),
        ("INSERT INTO T VALUES (?)", [("DATE", None)]),
    ],
)
def test_an_insert_of_constants_and_values_is_preparable(sql: str, values: list[tuple[str, Any]]) -> None:
    assert is_preparable(statement(sql), bindings(*values))


@pytest.mark.parametrize(
    ("sql", "values"),
    [
        ("SELECT ?", [("FIXED", "1")]),
        ("INSERT INTO T SELECT ?", [("FIXED", "1")]),
        ("INSERT INTO T VALUES (UPPER(?))", [("TEXT", "a")]),
        ("INSERT INTO T VALUES (?::INT)", [("TEXT", "1")]),
        ("INSERT INTO T VALUES (? + 1)", [("FIXED", "1")]),
        ("INSERT INTO T VALUES (?)", [("DATE", "1709164800000")]),
        ("INSERT INTO T VALUES (?)", [("FIXED", "1.5")]),
        ("INSERT INTO IDENTIFIER('T') VALUES (?)", [("FIXED", "1")]),
        ("INSERT INTO IDENTIFIER(?) VALUES (?, 1)", [("TEXT", "T"), ("FIXED", "1")]),
        ("INSERT INTO T VALUES (?) ->> SELECT * FROM $1", [("FIXED", "1")]),
        ("INSERT INTO T VALUES (?)", [("FIXED", "1"), ("FIXED", "2")]),
    ],
)
def test_what_may_depend_on_its_values_is_not_preparable(sql: str, values: list[tuple[str, Any]]) -> None:
    assert not is_preparable(statement(sql), bindings(*values))


def test_values_take_the_places_of_markers() -> None:
    insert = statement("INSERT INTO T VALUES (?, ?, ?, ?, ?)")
    values = [("TEXT", "'$BIND_3$'"), ("FIXED", "-5"), ("REAL", "1.5"), ("TEXT", None), ("BOOLEAN", "false")]
    prepared = Prepared(insert, bindings(*values))
    assert prepared.fill([prepared.sql]) == ("INSERT INTO T VALUES ('''$BIND_3$''', -5, '1.5'::FLOAT, NULL, FALSE)",)


def test_the_text_with_markers_depends_on_the_types_alone() -> None:
    insert = statement("INSERT INTO T VALUES (?, ?)")
    texts = [Prepared(insert, bindings(("TEXT", text), ("FIXED", number))).sql for text, number in ("a1", "b2")]
    assert texts[0] == texts[1]


def test_sql_that_lost_a_marker_is_not_filled() -> None:
    prepared = Prepared(statement("INSERT INTO T VALUES (?)"), bindings(("TEXT", "a")))
    assert prepared.fill(["INSERT INTO T VALUES (1)"]) is None
    assert prepared.fill([prepared.sql * 2]) is None


def test_a_batch_may_number_its_values() -> None:
    values = bindings(("FIXED", ["1", "2"]), ("FIXED", ["9.99", None]))
    sql, rows = binds.batch(statement("INSERT INTO t VALUES (:2, :1, :1)"), values, "b")
    assert sql == 'INSERT INTO t SELECT "B2", "B1", "B1" FROM "b"'
    assert rows.to_pydict() == {"B1": [1, 2], "B2": ["9.99", None]}


def test_a_list_of_too_many_expressions_is_an_error() -> None:
    listed = ", ".join(["(1)"] * 200_001)
    with pytest.raises(SnowflakeError, match="maximum number of expressions in a list exceeded"):
        parse(statement(f"SELECT * FROM VALUES {listed}"))
