"""The link from a task to its query: which query, which address, and how Airflow keeps it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.providers.snowflake.hooks.snowflake import SnowflakeHook
from airflow.sdk import DAG
from airflow.sdk.exceptions import AirflowFailException
from airflow.serialization.serialized_objects import DagSerialization
from snowflake.snowpark import Session

from snowloop.airflow.links import SnowsightLink, snowsight_url
from snowloop.airflow.operators.base import SnowparkStageOperator
from snowloop.lifecycle.results import Result
from snowloop.workspace import Workspace


@dataclass(frozen=True)
class Asked(Result):
    """The ids of the queries."""

    queries: tuple[str, ...]


class Asking(SnowparkStageOperator):
    def __init__(self, *, statements: Sequence[str] = (), **kwargs: Any) -> None:
        super().__init__(task_id="ask", project="credit_approval", target="dev", **kwargs)
        self.statements = statements

    def run(self, workspace: Workspace) -> Asked:
        session = workspace.session
        with session.query_history(include_error=True) as history:
            try:
                for statement in self.statements:
                    session.sql(statement).collect()
            finally:
                asked.extend(query.query_id for query in history.queries)
        return Asked(tuple(asked))


class Renamed:
    """A session whose connection has another host."""

    connection = SimpleNamespace(host="my-account.snowflakecomputing.com")

    def __init__(self, connection: dict[str, Any]) -> None:
        self.session = Session.builder.configs(connection).create()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.session, name)


asked: list[str] = []
PROCEDURE = (
    "CREATE DATABASE IF NOT EXISTS LINKS",
    "CREATE OR REPLACE PROCEDURE LINKS.PUBLIC.P() RETURNS INT LANGUAGE SQL AS 'BEGIN RETURN 1; END'",
)


@pytest.fixture
def account(snowflake_connection: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """A session of the local Snowflake that says to be connected to an account that Snowsight serves."""
    asked.clear()
    monkeypatch.setattr(SnowflakeHook, "get_snowpark_session", lambda _hook: Renamed(snowflake_connection))


@pytest.mark.parametrize(
    ("host", "place"),
    [
        ("MyOrg-my_account.snowflakecomputing.com", "myorg/my_account"),
        ("xy12345.eu-central-1.snowflakecomputing.com", "eu-central-1/xy12345"),
        ("xy12345.west-europe.azure.snowflakecomputing.com", "west-europe.azure/xy12345"),
        ("xy12345.snowflakecomputing.com", "us-west-2/xy12345"),
    ],
)
def test_the_address_follows_from_the_accounts_host(host: str, place: str):
    assert snowsight_url(host, "01b2") == f"https://app.snowflake.com/{place}/#/compute/history/queries/01b2/detail"


@pytest.mark.parametrize(
    "host", ["localhost", "snowflake.test", "org-a.privatelink.snowflakecomputing.com", ".snowflakecomputing.com"]
)
def test_a_host_that_snowsight_does_not_serve_has_no_address(host: str):
    assert snowsight_url(host, "01b2") == ""


def linked(operator: SnowparkStageOperator) -> str:
    """The link as Airflow asks for it when the task has ended."""
    (link,) = operator.operator_extra_links
    return link.get_link(operator, ti_key=None)  # type: ignore[arg-type]


@pytest.mark.usefixtures("account")
@pytest.mark.parametrize(
    ("statements", "chosen"),
    [
        (["SELECT 1", "SELECT 2"], -1),
        ([*PROCEDURE, "CALL LINKS.PUBLIC.P()", "SELECT 3"], -2),
        ([], None),
    ],
)
def test_the_last_call_or_else_the_last_query_is_linked(context: Any, statements: list[str], chosen: int | None):
    operator = Asking(statements=statements)
    operator.execute(context)
    assert linked(operator).split("/")[-2:-1] == ([asked[chosen]] if chosen is not None else [])


@pytest.mark.usefixtures("account")
def test_the_query_that_failed_is_linked(context: Any):
    operator = Asking(statements=["SELECT 1", "SELECT * FROM NOWHERE.S.T"])
    with pytest.raises(AirflowFailException, match="NOWHERE"):
        operator.execute(context)
    assert len(asked) == 2
    assert f"/my/account/#/compute/history/queries/{asked[-1]}/detail" in linked(operator)


def test_no_link_where_the_session_is_elsewhere(session: Any, context: Any):
    operator = Asking()
    operator.execute(context)
    assert linked(operator) == ""


def test_airflow_keeps_the_link_by_its_xcom():
    with DAG("links") as dag:
        Asking()
    (task,) = DagSerialization.from_dict(DagSerialization.to_dict(dag)).tasks
    assert task.extra_links == ["Query in Snowsight"]
    assert task.operator_extra_link_dict["Query in Snowsight"].xcom_key == SnowsightLink().xcom_key
