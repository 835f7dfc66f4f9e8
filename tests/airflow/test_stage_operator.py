"""Every stage's operator: session, query tag, figures, and which failures are final."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
import requests
from airflow.sdk.exceptions import AirflowFailException
from snowflake.connector.errors import DatabaseError, OperationalError, ProgrammingError
from snowflake.connector.vendored.requests import exceptions as vendored
from snowflake.snowpark.exceptions import SnowparkSQLException

from snowloop.airflow.operators.base import SnowparkStageOperator
from snowloop.errors import ContractViolation, GateRefused, ProjectError
from snowloop.lifecycle.results import Result


@dataclass(frozen=True)
class Counted(Result):
    rows: int
    table: str

    def summary(self):
        return {"rows": self.rows}


class Stage(SnowparkStageOperator):
    def __init__(self, *, error: Exception | None = None, **kwargs):
        super().__init__(task_id="stage", **({"project": "credit_approval", "target": "dev"} | kwargs))
        self.error = error

    def run(self, workspace):
        if self.error is not None:
            raise self.error
        return Counted(4000, workspace.database)


def test_gives_the_result_and_pushes_the_figures(session, context):
    assert Stage().execute(context) == {"rows": 4000, "table": "CREDIT_APPROVAL_DEV"}
    assert context["ti"].pushed == {"summary": {"rows": 4000}}
    assert session.closed == 1


def test_tags_the_queries_with_dag_task_and_run(session, context):
    Stage().execute(context)
    assert session.tags == [{"dag_id": "credit_approval__train", "task_id": "train.gate", "run_id": "manual__1"}]


@pytest.mark.parametrize("refusal", [ContractViolation, GateRefused])
def test_a_refusal_is_final_with_its_reason(session, context, refusal):
    with pytest.raises(AirflowFailException, match=r"roc_auc 0\.45 is below 0\.65"):
        Stage(error=refusal("roc_auc 0.45 is below 0.65")).execute(context)
    assert context["ti"].pushed == {"reason": "roc_auc 0.45 is below 0.65"}
    assert session.closed == 1


def test_a_wrong_statement_is_final(session, context):
    with pytest.raises(AirflowFailException, match="does not exist"):
        Stage(error=ProgrammingError(msg="Object 'T' does not exist", errno=2003)).execute(context)
    assert session.closed == 1


def lost_connection_in_a_cause() -> Exception:
    try:
        raise ProjectError("could not load") from requests.exceptions.ConnectionError("refused")
    except ProjectError as error:
        return error


@pytest.mark.parametrize(
    "error",
    [
        OperationalError(msg="250003: Failed to execute request", errno=250003),
        DatabaseError(msg="Connection is closed", errno=250002),
        SnowparkSQLException("session gone", sql_error_code=390111),
        requests.exceptions.ConnectionError("connection refused"),
        requests.exceptions.ChunkedEncodingError("connection broken"),
        vendored.ChunkedEncodingError("connection broken: incomplete read"),
        ConnectionResetError("reset by peer"),
        lost_connection_in_a_cause(),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_lost_connection_is_left_to_airflows_retries(session, context, error):
    with pytest.raises(type(error)) as raised:
        Stage(error=error).execute(context)
    assert not isinstance(raised.value, AirflowFailException)
    assert session.closed == 1


def test_wrong_credentials_are_final(context, monkeypatch):
    from airflow.providers.snowflake.hooks.snowflake import SnowflakeHook

    def refuse(_hook):
        raise DatabaseError(msg="Incorrect username or password was specified.", errno=390100)

    monkeypatch.setattr(SnowflakeHook, "get_snowpark_session", refuse)
    with pytest.raises(AirflowFailException, match="Incorrect username"):
        Stage().execute(context)


def test_a_session_that_cannot_be_closed_hides_neither_result_nor_reason(session, context):
    session.close_error = OperationalError(msg="gone", errno=250002)
    assert Stage().execute(context)["rows"] == 4000
    with pytest.raises(AirflowFailException, match="too bad"):
        Stage(error=GateRefused("too bad")).execute(context)


def test_an_unknown_project_is_named(session, context):
    with pytest.raises(AirflowFailException, match="no_such_project"):
        Stage(project="no_such_project").execute(context)
    assert session.closed == 0


def test_on_kill_cancels_what_runs(session, context):
    class Killed(Stage):
        def run(self, workspace):
            self.on_kill()
            return super().run(workspace)

    Killed().execute(context)
    assert session.cancelled == 1
    assert session.closed == 1


class Chosen(Stage):
    rows: int
    table: str = "{{ params.table }}"

    def run(self, workspace):
        return Counted(self.rows, self.table)


def test_annotated_attributes_are_templated_arguments(session, context):
    assert Chosen(rows=1, table="T").execute(context) == {"rows": 1, "table": "T"}
    assert Chosen.template_fields == ("project", "target", "rows", "table")
    assert Chosen(rows=1).table == "{{ params.table }}"
    with pytest.raises(TypeError, match="missing keyword argument 'rows'"):
        Chosen()


def test_retries_by_default_with_a_short_pause():
    stage = Stage()
    assert stage.retries == 2
    assert stage.retry_delay.total_seconds() <= 10
