"""Airflow's check operator and the lifecycle's report say the same of the same rows, on a running Snowflake."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowFailException
from snowflake.snowpark import Session

from local_snowflake.testing import LocalSnowflake
from snowloop.airflow.operators.contract import ContractOperator
from snowloop.errors import ContractViolation
from snowloop.lifecycle.data.environment import create_environment
from snowloop.lifecycle.data.validate import check_contract
from snowloop.project import Project, load_project
from snowloop.workspace import Workspace
from tests.airflow.conftest import FakeTask
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


@pytest.fixture(scope="module")
def running(snowflake_connection: dict[str, Any]) -> Iterator[Session]:
    opened = Session.builder.configs(snowflake_connection).create()
    yield opened
    opened.close()


@pytest.fixture
def project(tmp_path: Path, running: Session) -> Project:
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
    create_environment(Workspace(running, made, TARGET))
    for table in ("EVENTS", "ANSWERS"):
        running.sql(f"DELETE FROM {made.database(TARGET)}.RAW.{table}").collect()
    return made


@pytest.fixture
def operator(project: Project, monkeypatch: pytest.MonkeyPatch, local_snowflake: LocalSnowflake) -> Any:
    told = local_snowflake.connection()
    port = json.loads((local_snowflake.data_dir / "server.json").read_text())["port"]
    extra = {"account": "local", "host": "localhost", "port": port, "insecure_mode": True, "role": "ACCOUNTADMIN"}
    connection = {"conn_type": "snowflake", "login": told["user"], "password": told["password"], "extra": extra}
    monkeypatch.setenv("AIRFLOW_CONN_SNOWFLAKE_DEFAULT", json.dumps(connection))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(local_snowflake.data_dir / "ca-bundle.pem"))
    monkeypatch.setenv("SNOWLOOP_PROJECTS", str(project.directory.parent))
    return ContractOperator(task_id="contract", project="both", target=TARGET)


def insert(running: Session, project: Project, *events: tuple[Any, ...], answers: str = "(1, 'a'), (2, 'b')") -> None:
    rows = ", ".join(f"({key}, {x}, {order}, {kind}, NULL, NULL)" for key, x, order, kind in events)
    running.sql(f"INSERT INTO {project.database(TARGET)}.RAW.EVENTS VALUES {rows}").collect()
    running.sql(f"INSERT INTO {project.database(TARGET)}.RAW.ANSWERS VALUES {answers}").collect()


def airflow_says(operator: Any) -> str:
    """What Airflow's own checks say, before the lifecycle's are asked."""
    context: Any = {"ti": FakeTask(), "params": SimpleNamespace(target=TARGET)}
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(type(operator), "run", lambda *_given: SimpleNamespace(summary=dict, to_dict=dict))
        try:
            operator.execute(context)
        except AirflowFailException as error:
            return str(error)
    return ""


def lifecycle_says(running: Session, project: Project) -> str:
    try:
        check_contract(Workspace(running, project, TARGET))
    except ContractViolation as error:
        return str(error)
    return ""


def test_good_rows_pass_both_ways(running: Session, project: Project, operator: Any):
    """Values that look like the alias of the rules, nulls beside a range, and several nulls in a unique column."""
    insert(running, project, *GOOD, answers="(1, NULL), (2, NULL), (3, 'a')")
    assert (airflow_says(operator), lifecycle_says(running, project)) == ("", "")


def test_a_column_without_any_value_keeps_its_range(running: Session, project: Project, operator: Any):
    insert(running, project, (1, "NULL", 0, "NULL"), (2, "NULL", 0, "NULL"))
    assert (airflow_says(operator), lifecycle_says(running, project)) == ("", "")


@pytest.mark.parametrize(
    ("events", "answers", "says"),
    [
        ([(5, 4.0, 0, "NULL")], "(3, 'c')", "events: X must be at least 5"),
        ([(5, 11.0, 0, "NULL")], "(3, 'c')", "events: X must be at most 10"),
        ([(5, 6.0, "NULL", "NULL")], "(3, 'c')", "events: ORDER must not be null"),
        ([(5, 6.0, 0, "'U.K.'")], "(3, 'c')", "events: KIND must be one of U.S., S.A., it's"),
        ([(4, 6.0, 0, "NULL")], "(3, 'c')", "events: ID must be unique"),
        ([(5, 6.0, 0, "NULL")], "(3, 'a')", "answers: CODE must be unique"),
    ],
)
def test_a_broken_rule_is_told_both_ways(
    running: Session, project: Project, operator: Any, events: list[Any], answers: str, says: str
):
    insert(running, project, *GOOD, *events, answers=f"(1, 'a'), (2, 'b'), {answers}")
    assert says in airflow_says(operator)
    assert says in lifecycle_says(running, project)


def test_an_empty_source_is_told_both_ways(running: Session, project: Project, operator: Any):
    assert "events has rows; answers: answers has rows" in airflow_says(operator)
    assert "is empty" in lifecycle_says(running, project)
