"""The contract of the loaded data: which rows keep it, and that every rule and source that breaks it is named."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from snowflake.snowpark import Session

from snowloop.errors import ContractViolation
from snowloop.lifecycle.data.environment import create_environment
from snowloop.lifecycle.data.validate import check_contract
from snowloop.project import Project, load_project
from snowloop.workspace import Workspace
from tests.support import tiny

TARGET = "both"
EVENTS = """
      ID: {type: "NUMBER(38,0)", nullable: false, unique: true}
      X: {type: FLOAT, min: 5, max: 10}
      ORDER: {type: FLOAT, nullable: false}
      KIND: {type: VARCHAR, allowed: [U.S., S.A., it's]}
      HAPPENED_AT: {type: TIMESTAMP_NTZ}
      LATE: {type: "NUMBER(38,0)", known_after_label: true}
  answers:
    file: "answers*.csv"
    columns:
      ID: {type: "NUMBER(38,0)"}
      CODE: {type: VARCHAR, unique: true}
label:"""
GOOD = [(1, 6.0, 1.0, "'U.S.'"), (2, 10.0, 0.0, "'S.A.'"), (3, 5.0, -1.0, "'it''s'"), (4, "NULL", 2.0, "NULL")]


@pytest.fixture
def project(tmp_path: Path, session: Session) -> Project:
    """Two sources, of which the first has a name that SQL reserves; both are empty."""
    folder = tmp_path / "both"
    folder.mkdir()
    text = tiny.PROJECT["project.yaml"].replace("name: tiny", "name: both")
    columns = text[text.index("\n      ID:") : text.index("\nlabel:") + len("\nlabel:")]
    (folder / "project.yaml").write_text(text.replace(columns, EVENTS))
    for file in ("label.sql", "model.py"):
        (folder / file).write_text(tiny.PROJECT[file])
    (folder / "features.sql").write_text("SELECT ID, X FROM {{ source }}\n")
    made = load_project("both", tmp_path)
    create_environment(Workspace(session, made, TARGET))
    for table in ("EVENTS", "ANSWERS"):
        session.sql(f"DELETE FROM {made.database(TARGET)}.RAW.{table}").collect()
    return made


def insert(session: Session, project: Project, *events: tuple[Any, ...], answers: str = "(1, 'a'), (2, 'b')") -> None:
    rows = ", ".join(f"({key}, {x}, {order}, {kind}, NULL, NULL)" for key, x, order, kind in events)
    session.sql(f"INSERT INTO {project.database(TARGET)}.RAW.EVENTS VALUES {rows}").collect()
    session.sql(f"INSERT INTO {project.database(TARGET)}.RAW.ANSWERS VALUES {answers}").collect()


def violations(session: Session, project: Project) -> str:
    """The message of the contract; empty if the rows keep it."""
    try:
        check_contract(Workspace(session, project, TARGET))
    except ContractViolation as error:
        return str(error)
    return ""


def test_good_rows_pass(session: Session, project: Project):
    """Values like the alias of the rules, nulls in a column with a range, several nulls in a unique column."""
    insert(session, project, *GOOD, answers="(1, NULL), (2, NULL), (3, 'a')")
    report = check_contract(Workspace(session, project, TARGET))
    assert (report.rows, report.failing) == (7, 0)


def test_a_column_without_any_value_keeps_its_range(session: Session, project: Project):
    insert(session, project, (1, "NULL", 0, "NULL"), (2, "NULL", 0, "NULL"))
    assert violations(session, project) == ""


@pytest.mark.parametrize(
    ("events", "answers", "message"),
    [
        ([(5, 4.0, 0, "NULL")], "(3, 'c')", "events: X must be at least 5"),
        ([(5, 11.0, 0, "NULL")], "(3, 'c')", "events: X must be at most 10"),
        ([(5, 6.0, "NULL", "NULL")], "(3, 'c')", "events: ORDER must not be null"),
        ([(5, 6.0, 0, "'U.K.'")], "(3, 'c')", "events: KIND must be one of U.S., S.A., it's"),
        ([(4, 6.0, 0, "NULL")], "(3, 'c')", "events: ID must be unique"),
        ([(5, 6.0, 0, "NULL")], "(3, 'a')", "answers: CODE must be unique"),
    ],
)
def test_a_rule_that_is_broken_is_named(
    session: Session, project: Project, events: list[Any], answers: str, message: str
):
    insert(session, project, *GOOD, *events, answers=f"(1, 'a'), (2, 'b'), {answers}")
    assert message in violations(session, project)


def test_every_empty_source_is_named(session: Session, project: Project):
    message = violations(session, project)
    assert "EVENTS is empty" in message.replace('"', "")
    assert "ANSWERS is empty" in message.replace('"', "")
