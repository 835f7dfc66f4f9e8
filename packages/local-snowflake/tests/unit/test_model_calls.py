"""Calls of models' methods become function calls whose name says everything."""

from __future__ import annotations

import pytest
from tests.unit.sql_rewriting import NO_CONTEXT

from local_snowflake.models.call_syntax import ModelCall, parse_name, rewrite_calls
from local_snowflake.sql.statement import parse_statement


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("SELECT a != 1", "SELECT a != 1"),
        ("SELECT '!' || M!X", "SELECT '!' || M!X"),
        ("SELECT M!PREDICT(a)", 'SELECT "MODEL(M)!PREDICT"(a)'),
        ("SELECT d.s.M!PREDICT(a):x", 'SELECT "MODEL(d.s.M)!PREDICT"(a):x'),
        ("SELECT MODEL(s.m, V1)!predict(a)", 'SELECT "MODEL(s.m, V1)!predict"(a)'),
        ("WITH mv AS MODEL m VERSION V1 SELECT mv!PREDICT(a)", '  SELECT "MODEL(m, V1)!PREDICT"(a)'),
        (
            "WITH q AS (SELECT 1 AS a), mv AS MODEL m SELECT MV!PREDICT(a) FROM q",
            'WITH q AS (SELECT 1 AS a)  SELECT "MODEL(m)!PREDICT"(a) FROM q',
        ),
        (
            "SELECT (WITH mv AS MODEL m SELECT mv!P(1)), mv!P(2)",
            'SELECT (  SELECT "MODEL(m)!P"(1)), "MODEL(mv)!P"(2)',
        ),
    ],
)
def test_calls_are_written_as_functions(before: str, after: str) -> None:
    assert rewrite_calls(NO_CONTEXT, parse_statement(before, ())) == after


@pytest.mark.parametrize(
    ("name", "call"),
    [
        ("UPPER", None),
        ("MODEL(d.s.M)!PREDICT", ModelCall(("D", "S", "M"), None, "PREDICT")),
        ('MODEL("m", V1)!"p"', ModelCall(("m",), "V1", "p")),
    ],
)
def test_names_are_read_back(name: str, call: ModelCall | None) -> None:
    assert parse_name(name) == call
