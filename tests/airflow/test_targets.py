"""Airflow follows targets.yaml: connections and schedules."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from airflow.sdk import DAG

from snowloop.airflow.connections import connection_id
from snowloop.airflow.drawing import draw_dags, project_dag, promotion_tasks
from snowloop.airflow.operators.delivery import DeliverOperator, SmokeOperator
from snowloop.airflow.params import promotion_form
from snowloop.checks import Check
from snowloop.errors import SmokeFailed
from snowloop.lifecycle.delivery.smoke import Smoke
from snowloop.project import Project, load_project
from snowloop.workspace import Workspace
from tests.support.tiny import tiny

TARGETS = """
targets:
  dev: {schedules: false}
  prod: {airflow_connection: snowflake_prod}
"""


@pytest.fixture
def project(tmp_path: Path) -> Project:
    tiny(tmp_path)
    (tmp_path / "targets.yaml").write_text(TARGETS)
    return load_project("tiny", tmp_path)


def test_the_connection_is_the_given_one_or_that_of_the_target(project: Project):
    assert connection_id(project, "prod", None) == "snowflake_prod"
    assert connection_id(project, "prod", "other") == "other"
    assert connection_id(project, "dev", None) == "snowflake_default"


@pytest.mark.parametrize(("target", "scheduled"), [("dev", False), ("prod", True)])
def test_a_dag_has_its_schedule_where_the_target_has_schedules(
    project: Project, monkeypatch: pytest.MonkeyPatch, target: str, scheduled: bool
):
    monkeypatch.setenv("SNOWLOOP_TARGET", target)
    dag: DAG = project_dag(project, "train", about="Train.", params={}, schedule="@weekly")
    assert ("Cron" in type(dag.timetable).__name__) is scheduled


PROMOTED = """
targets:
  staging: {airflow_connection: snowflake_staging}
  prod: {accepts_from: [staging], approval: true}
"""


@pytest.fixture
def promoted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    tiny(tmp_path)
    (tmp_path / "targets.yaml").write_text(PROMOTED)
    monkeypatch.setenv("SNOWLOOP_PROJECTS", str(tmp_path))
    return load_project("tiny", tmp_path)


def test_a_promotion_is_delivered_approved_deployed_and_tried(promoted: Project):
    with project_dag(promoted, "promote", about="Promote.", params=promotion_form(promoted)) as dag:
        promotion_tasks(promoted)
    order = {task.task_id: task.upstream_task_ids for task in dag.tasks}
    assert order == {
        "deliver": set(),
        "approve": {"deliver"},
        "promote": {"deliver", "approve"},
        "deploy": {"promote"},
        "smoke": {"deploy"},
    }
    assert (dag.params["source"], dag.params["target"], dag.params["version"]) == ("staging", "prod", None)


def test_a_project_without_such_a_target_has_no_dag(promoted: Project):
    dags = draw_dags(
        lambda each: project_dag(each, "x", about="x", params={}) if each.targets.promoted_into() else None
    )
    assert [*dags] == ["tiny__x"]


def test_the_source_has_a_session_of_its_own_where_it_has_another_connection(
    promoted: Project, monkeypatch: pytest.MonkeyPatch
):
    opened: list[Any] = []

    def airflow_session(connection: str) -> Any:
        opened.append(SimpleNamespace(name=connection, close=lambda: opened.append("closed")))
        return opened[-1]

    def deliver(source: Workspace, destination: Workspace, version: str | None) -> Any:
        return (source.session.name, source.target, destination.session, destination.target, version)  # type: ignore[attr-defined]

    monkeypatch.setattr("snowloop.session.airflow_session", airflow_session)
    monkeypatch.setattr("snowloop.lifecycle.delivery.deliver.deliver", deliver)
    operator = DeliverOperator(task_id="d", project="tiny", target="prod", source="staging", version="")
    done: Any = operator.run(Workspace(cast(Any, "own"), promoted, "prod"))
    assert done == ("snowflake_staging", "staging", "own", "prod", None)
    assert opened[-1] == "closed"


def test_a_failed_smoke_fails_the_task(promoted: Project, monkeypatch: pytest.MonkeyPatch):
    failed = Smoke("prod", (Check.of("LOOP", passed=False, reason="run snowloop apply"),))
    monkeypatch.setattr("snowloop.lifecycle.delivery.smoke.smoke", lambda _workspace: failed)
    with pytest.raises(SmokeFailed, match="prod does not work as deployed: LOOP: run snowloop apply"):
        SmokeOperator(task_id="s", project="tiny", target="prod").run(Workspace(cast(Any, None), promoted, "prod"))
