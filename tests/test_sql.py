"""Quoting and rendering of SQL."""

import pytest
from jinja2 import UndefinedError

from snowloop.sql import identifier, identifiers, literal, render, statements


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "NULL"),
        (True, "TRUE"),
        (3, "3"),
        (0.5, "0.5"),
        (float("nan"), "'nan'::FLOAT"),
        ("it's", "'it''s'"),
        ("a\\b", "'a\\\\b'"),
        ("'; DROP TABLE T; --", "'''; DROP TABLE T; --'"),
    ],
)
def test_literals(value, text: str):
    assert literal(value) == text


def test_a_value_without_a_literal_is_refused():
    with pytest.raises(TypeError, match="no SQL literal"):
        literal(object())


def test_identifiers_are_quoted():
    assert identifier("DB", "RAW", 'odd"name') == '"DB"."RAW"."odd""name"'
    assert identifiers(["A", "B"], "S") == 'S."A", S."B"'


def test_a_missing_value_of_a_template_is_an_error():
    with pytest.raises(UndefinedError):
        render("load/known.sql", database="DB")


def test_a_script_is_split_into_statements():
    script = "-- first\nSELECT ';' AS A;\n\nSELECT $$a;b$$; -- last\n"
    assert list(statements(script)) == ["SELECT ';' AS A", "SELECT $$a;b$$"]
