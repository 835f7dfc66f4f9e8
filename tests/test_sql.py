"""Quoting and rendering of SQL."""

from types import SimpleNamespace
from typing import Any, cast

import pytest
from jinja2 import TemplateNotFound, UndefinedError

from snowloop.sql import Parameter, identifier, identifiers, literal, plain, prepare, render, run, statements
from snowloop_procedures.requests import Feature


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
        render("data/queries.sql#contract_counts", table="T")
    with pytest.raises(UndefinedError):
        run(cast(Any, None), "data/queries.sql#loaded_files", database="DB")


def test_a_script_is_split_into_statements():
    script = "-- first\nSELECT ';' AS A;\n\nSELECT $$a;b$$; -- last\n"
    assert list(statements(script)) == ["SELECT ';' AS A", "SELECT $$a;b$$"]


def test_values_are_bound_in_the_order_of_the_text(tmp_path, monkeypatch):
    (tmp_path / "sql").mkdir()
    (tmp_path / "sql" / "queries.sql").write_text(
        "-- name: first\nSELECT {{ a | bind }}\n"
        "-- name: second\nSELECT {{ b | bind }}, {{ a | bind }}, {{ n | identifier }}\n"
    )
    monkeypatch.setattr("snowloop.sql.include_dir", lambda: tmp_path)
    sent = []

    class Session:
        def sql(self, text, params=None):
            sent.append((text, params))
            return SimpleNamespace(collect=list)

    run(cast(Any, Session()), "queries.sql#second", a="it's", b=2, n="N")
    assert sent == [('SELECT ?, ?, "N"', [2, "it's"])]


def test_a_prepared_statement_names_what_is_bound_later(tmp_path, monkeypatch):
    (tmp_path / "sql").mkdir()
    (tmp_path / "sql" / "part.sql").write_text("{{ b | bind }}")
    (tmp_path / "sql" / "query.sql").write_text('SELECT {{ a | bind }}, {{ n | bind }}, {% include "part.sql" %}')
    monkeypatch.setattr("snowloop.sql.include_dir", lambda: tmp_path)
    prepared = prepare("query.sql", a=Parameter("a"), b=Parameter("run_id"), n="it's")
    assert prepared == ("SELECT ?, 'it''s', ?", ("a", "run_id"))


def test_a_query_that_a_file_does_not_name_is_an_error():
    with pytest.raises(TemplateNotFound, match=r"#no_such"):
        render("data/environment.sql#no_such")


def prediction(count: int) -> str:
    features = [Feature(f"F{place}", "FLOAT") for place in range(count)]
    values = {"model": "M", "version": '"V"', "task": "regression", "classes": (), "features": features}
    return render("evaluation/predict_held_out.sql", table="T", key=("ID",), **values)


def test_more_than_500_features_are_passed_as_one_object():
    assert "OBJECT_CONSTRUCT" not in prediction(500)
    wide = plain(prediction(501))
    assert """!PREDICT(OBJECT_CONSTRUCT_KEEP_NULL( 'F0', F."F0"::FLOAT, 'F1', F."F1"::FLOAT,""" in wide
    assert """'F500', F."F500"::FLOAT )):"output_feature_0"::FLOAT""" in wide
