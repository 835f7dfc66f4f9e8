"""Columns and constraints of CREATE TABLE as the catalog keeps them."""

from __future__ import annotations

from typing import Any

import pytest

from local_snowflake.catalog.objects import Column
from local_snowflake.errors import SnowflakeError
from local_snowflake.statements.definitions import constrain, parse_definitions

# only a foreign key looks something up
CTX: Any = None


def columns(text: str) -> list[Column]:
    found, constraints = parse_definitions(CTX, text)
    for constraint in constraints:
        found = constrain(CTX, found, constraint)
    return found


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a INT", Column("A", "NUMBER(38,0)")),
        ('"a b" VARCHAR(5) NOT NULL', Column("a b", "VARCHAR(5)", nullable=False)),
        ("A DATE DEFAULT current_date() COMMENT 'c'", Column("A", "DATE", default="CURRENT_DATE", comment="c")),
        ("A INT PRIMARY KEY", Column("A", "NUMBER(38,0)", nullable=False, primary_key=True)),
        ("A INT UNIQUE", Column("A", "NUMBER(38,0)", unique=True)),
        ("A INT AUTOINCREMENT", Column("A", "NUMBER(38,0)", identity=(1, 1))),
        ("A INT IDENTITY START 5 INCREMENT 2", Column("A", "NUMBER(38,0)", identity=(5, 2))),
    ],
)
def test_a_column(text: str, expected: Column) -> None:
    assert columns(text) == [expected]


def test_constraints_of_the_table() -> None:
    assert columns("A DATE, B DATE, C DATE, CONSTRAINT k PRIMARY KEY (A, B), UNIQUE (C)") == [
        Column("A", "DATE", nullable=False, primary_key=True),
        Column("B", "DATE", nullable=False, primary_key=True),
        Column("C", "DATE", unique=True),
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("A DATE, PRIMARY KEY (B)", "invalid identifier 'B'"),
        ("A INT, B INT AS (A + 1)", "the computed column B"),
        ("A INT, B INT GENERATED ALWAYS AS (A * 2)", "the computed column B"),
        ("A STRING COLLATE 'en-ci'", "COLLATE 'en-ci' of column A"),
        ("A STRING WITH MASKING POLICY P", "MASKING POLICY P of column A"),
        ("A INT WITH TAG (T = 'x')", "TAG .* of column A"),
        ("A INT, CHECK (A > 0)", "CHECK .A > 0."),
        ("A NONSENSE_TYPE", "NONSENSE_TYPE"),
    ],
)
def test_what_is_refused(text: str, message: str) -> None:
    with pytest.raises(SnowflakeError, match=message):
        columns(text)
