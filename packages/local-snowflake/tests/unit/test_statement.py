"""Statements: verbs and kinds, readers over tokens, identifiers given as texts, chains of the flow operator."""

from __future__ import annotations

from typing import Any

import pytest

from local_snowflake.errors import SnowflakeError
from local_snowflake.sql import flow_operator
from local_snowflake.sql.identifiers import inline_identifiers
from local_snowflake.sql.statement import Reader, edited, parse_statement, skip_head, strip_comments, tokenize

_KINDS = {("CREATE", "TABLE"), ("CREATE", "FILE FORMAT"), ("DESCRIBE", "TABLE"), ("SHOW", "TERSE STREAMS")}


@pytest.mark.parametrize(
    ("sql", "verb", "kind"),
    [
        ("create table T (A INT)", "CREATE", "TABLE"),
        ("CREATE /* a */ OR REPLACE TEMPORARY TABLE T", "CREATE", "TABLE"),
        ("CREATE OR REPLACE FILE FORMAT F", "CREATE", "FILE FORMAT"),
        ("DESC TABLE T", "DESCRIBE", "TABLE"),
        ("SHOW TERSE STREAMS", "SHOW", "TERSE STREAMS"),
        ("CREATE STREAM S", "CREATE", ""),
        ("-- a\n/* b */ SELECT 1;", "SELECT", ""),
        ("LIST @S", "LS", ""),
        ("(SELECT 1)", "", ""),
    ],
)
def test_verb_and_kind(sql: str, verb: str, kind: str) -> None:
    statement = parse_statement(sql, _KINDS)
    assert (statement.verb, statement.kind) == (verb, kind)


def test_words_before_the_kind() -> None:
    statement = parse_statement("CREATE OR REPLACE TEMP TABLE T", _KINDS)
    assert (statement.or_replace, statement.or_alter, statement.temporary) == (True, False, True)
    statement = parse_statement("CREATE OR ALTER TABLE T", _KINDS)
    assert (statement.or_replace, statement.or_alter, statement.temporary) == (False, True, False)


def test_a_reader_starts_behind_the_head() -> None:
    assert (
        skip_head(parse_statement("CREATE OR REPLACE TRANSIENT TABLE D.S.T (A INT)", _KINDS)).rest() == "D.S.T (A INT)"
    )
    assert skip_head(parse_statement("CREATE FILE FORMAT F TYPE = CSV", _KINDS)).rest() == "F TYPE = CSV"


def test_readers_of_one_statement_do_not_share_their_place() -> None:
    statement = parse_statement("DESC TABLE T", _KINDS)
    statement.reader.next()
    assert statement.reader.rest() == "DESC TABLE T"
    assert statement.tokens is statement.tokens


def test_comments_and_the_semicolon_are_stripped() -> None:
    assert strip_comments("/* a */ -- b\n SELECT '--' ; ") == "SELECT '--'"


def reader(sql: str) -> Reader:
    return Reader(sql, tokenize(sql))


def test_names_are_normalised() -> None:
    assert reader('db."s.x"."t""q" rest').name_parts() == ["DB", "s.x", 't"q']
    assert reader("db..t").name_parts() == ["DB", "PUBLIC", "T"]
    assert reader("IDENTIFIER('db.\"t\"')").name_parts() == ["DB", "t"]


def test_options_and_values() -> None:
    found = reader("TYPE = CSV SIZE = -1 NULL_IF = ('', 'x') FORMAT = db.f COMMENT").options("COMMENT")
    assert found == {"TYPE": "CSV", "SIZE": "-1", "NULL_IF": ["", "x"], "FORMAT": "db.f"}


def test_brackets_in_texts_do_not_count() -> None:
    read = reader("(a, (')'), $$)$$) rest")
    assert read.parenthesised() == "a, (')'), $$)$$"
    assert read.rest() == "rest"


def test_what_is_unexpected_is_named() -> None:
    read = reader("a\nb")
    read.next()
    with pytest.raises(SnowflakeError, match=r"syntax error line 2 at position 2 unexpected 'b', expected TO\."):
        read.expect("TO")
    with pytest.raises(SnowflakeError, match="unexpected '<EOF>'"):
        reader("").next()


def test_a_text_that_does_not_end_is_a_syntax_error() -> None:
    with pytest.raises(SnowflakeError) as caught:
        tokenize("SELECT 'a")
    assert caught.value.code == 1003


def test_parts_of_a_text_are_replaced() -> None:
    assert edited("abcdef", [(0, 1, "AA"), (3, 5, "")]) == "AAbcf"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("SELECT * FROM IDENTIFIER('d.t')", "SELECT * FROM d.t"),
        ("SELECT identifier( 'A' ), IDENTIFIER('\"b\"') FROM T", 'SELECT A, "b" FROM T'),
        ("SELECT * FROM IDENTIFIER($NAME)", "SELECT * FROM D.T"),
        ("SELECT * FROM IDENTIFIER($OTHER)", "SELECT * FROM IDENTIFIER($OTHER)"),
        ("SELECT 'IDENTIFIER(''x'')'", "SELECT 'IDENTIFIER(''x'')'"),
        ("SELECT IDENTIFIER FROM T", "SELECT IDENTIFIER FROM T"),
    ],
)
def test_identifiers_are_written_out(before: str, after: str) -> None:
    assert inline_identifiers(parse_statement(before, ()), {"NAME": "D.T"}) == after


@pytest.mark.parametrize(
    ("sql", "statements"),
    [
        ("SELECT 1", ["SELECT 1"]),
        ("SHOW TABLES ->> SELECT * FROM $1", ["SHOW TABLES", "SELECT * FROM $1"]),
        ("SELECT '->>' ->> SELECT 2 ->> SELECT 3", ["SELECT '->>'", "SELECT 2", "SELECT 3"]),
    ],
)
def test_a_chain_is_split_at_its_operators(sql: str, statements: list[str]) -> None:
    assert flow_operator.split(parse_statement(sql, ())) == statements


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("SELECT * FROM $1", "SELECT * FROM {b}"),
        ("SELECT * FROM $2", "SELECT * FROM {a}"),
        ("SELECT * FROM $1 JOIN $2", "SELECT * FROM {b} JOIN {a}"),
        ("SELECT * FROM $1, $2", "SELECT * FROM {b}, {a}"),
        ("SELECT $1 FROM $2", "SELECT $1 FROM {a}"),
        ("SELECT '$1'", "SELECT '$1'"),
    ],
)
def test_results_of_a_chain_are_read_by_number(before: str, after: str) -> None:
    scans: dict[str, Any] = {name: f"TABLE(RESULT_SCAN('{name}'))" for name in "ab"}
    assert flow_operator.with_results(parse_statement(before, ()), ["a", "b"]) == after.format(**scans)


def test_a_result_that_is_not_there_is_an_error() -> None:
    with pytest.raises(SnowflakeError, match=r"\$3 names no statement: 2 statements of the chain ran before"):
        flow_operator.with_results(parse_statement("SELECT * FROM $3", ()), ["a", "b"])
