"""Transaction replay: which statements would write the same again."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from local_snowflake.catalog.catalog import Catalog
from local_snowflake.catalog.objects import TABLE, Column, Object, TableProps
from local_snowflake.catalog.storage import Storage
from local_snowflake.sessions.replay import StatementInputs, TableClock, changing_default, random_calls, replay
from local_snowflake.sql.dialect import parse
from local_snowflake.sql.names import Name

T = Name("D", "S", "T")


@pytest.fixture
def catalog(tmp_path: Path) -> Catalog:
    storage = Storage(tmp_path / "snowflake.duckdb")
    made = Catalog(storage.cursor())
    with made.change(storage.cursor()) as change:
        change.put(Object(TABLE, T, TableProps()))
    return made


def inputs(catalog: Catalog, *calls: str, default: str | None = None) -> StatementInputs:
    return StatementInputs(catalog, {T: catalog.need(TABLE, T)}, frozenset(calls), default)


def test_a_statement_without_changes_writes_the_same(catalog: Catalog) -> None:
    assert inputs(catalog).conflict(TableClock(), 0) is None


def test_a_random_call_is_a_conflict(catalog: Catalog) -> None:
    assert inputs(catalog, "RANDOM()").conflict(TableClock(), 0) == "RANDOM() gives another value each time"


def test_a_changing_default_is_a_conflict(catalog: Catalog) -> None:
    conflict = inputs(catalog, default="ID").conflict(TableClock(), 0)
    assert conflict == "column ID gets its value from a sequence or a default that is not constant"


def test_a_table_that_was_written_since_is_a_conflict(catalog: Catalog) -> None:
    clock = TableClock()
    before = clock.now
    with clock.committing([T]):
        pass
    assert inputs(catalog).conflict(clock, before) == "table D.S.T, which it reads, was changed by another session"
    assert inputs(catalog).conflict(clock, clock.now) is None


@pytest.mark.parametrize(
    ("sql", "calls"),
    [
        ("SELECT A + 1 FROM T", set()),
        ("SELECT UUID_STRING(), RANDOM() FROM T", {"UUID_STRING()", "RANDOM()"}),
        ("SELECT UUID_STRING('fe971b24-9572-4005-b22f-351e9c09274d', 'x') FROM T", set()),
    ],
)
def test_calls_that_give_something_else_each_time(sql: str, calls: set[str]) -> None:
    assert random_calls(parse(sql)) == calls


@pytest.mark.parametrize(
    ("column", "name"),
    [
        (Column("A", "INT"), None),
        (Column("A", "VARCHAR", default="'x'"), None),
        (Column("A", "TIMESTAMP_NTZ", default="CURRENT_TIMESTAMP()"), None),
        (Column("A", "VARCHAR", default="UUID_STRING()"), "A"),
        (Column("A", "INT", identity=(1, 1)), "A"),
    ],
)
def test_defaults_that_change(column: Column, name: str | None) -> None:
    assert changing_default(Object(TABLE, T, TableProps((column,)))) == name


def test_a_replay_reports_the_first_statement_that_fails_or_conflicts(catalog: Catalog) -> None:
    ran: list[int] = []

    def fail() -> None:
        raise duckdb.ConstraintException("no")

    assert replay([(lambda: ran.append(1), None), (lambda: ran.append(2), inputs(catalog))], TableClock(), 0) is None
    assert ran == [1, 2]
    assert replay([(fail, None)], TableClock(), 0) == "no"
    assert replay([(lambda: None, inputs(catalog, "RANDOM()"))], TableClock(), 0) is not None
