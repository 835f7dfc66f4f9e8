"""Retraining under Airflow: the event that asks for it, how the train DAG is scheduled, and what settles it."""

from __future__ import annotations

import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk import AssetOrTimeSchedule, CronTriggerTimetable
from airflow.sdk.exceptions import AirflowSkipException
from airflow.sdk.execution_time.context import OutletEventAccessors, TriggeringAssetEventsAccessor
from airflow.serialization.serialized_objects import DagSerialization

from snowloop.airflow.assets import asset_alias, retrain_asset
from snowloop.airflow.dags import KINDS
from snowloop.airflow.drawing import draw_dags
from snowloop.airflow.operators.retraining import RetrainOperator, SettleRetrainingOperator
from snowloop.lifecycle.monitoring import retraining
from snowloop.lifecycle.monitoring.retraining import Retraining, Settled

REPOSITORY = Path(__file__).resolve().parents[2]
DECLARED = """
monitoring: {retrain_on: [drift]}
approval: {targets: [prod]}
serving: {challenger: {mode: shadow}}
champion: {probation: {roll_back: true}}
schedule: {train: "@weekly", train_within: 6 hours, score_within: 1 hour}
"""


@pytest.fixture(scope="module")
def dags(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The DAGs of the shipped projects, and of one whose drift asks for a training."""
    folder = tmp_path_factory.mktemp("projects")
    shutil.copytree(REPOSITORY / "include" / "projects" / "credit_approval", folder / "churn")
    file = folder / "churn" / "project.yaml"
    kept = [line for line in file.read_text().splitlines() if not line.startswith(("schedule:", "serving:"))]
    text = "\n".join(kept).replace("name: credit_approval", "name: churn") + DECLARED
    file.write_text(text)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SNOWLOOP_PROJECTS", str(folder))
        return draw_dags(*(kind.draw for kind in KINDS))


def test_the_train_dag_runs_on_its_calendar_and_on_what_alerts_ask_for(dags: Any):
    schedule = dags["churn__train"].timetable
    assert isinstance(schedule, AssetOrTimeSchedule)
    assert isinstance(schedule.timetable, CronTriggerTimetable)
    asset: Any = schedule.asset_condition
    assert asset.uri == "snowloop://churn/dev/retrain"
    assert dags["churn__train"].is_paused_upon_creation
    read = DagSerialization.deserialize_dag(DagSerialization.serialize_dag(dags["churn__train"]))
    assert type(read.timetable).__name__ == "AssetOrTimeSchedule"
    assert type(dags["credit_approval__train"].timetable) is CronTriggerTimetable


def test_what_settles_a_training_runs_whatever_became_of_it_and_the_run_is_judged_without_it(dags: Any):
    dag = dags["churn__train"]
    settle = dag.get_task("settle_retraining")
    assert settle.is_teardown
    assert not settle.on_failure_fail_dagrun
    assert settle.upstream_task_ids == {"train.promote"}
    assert "train.approve" in settle.stages
    assert "settle_retraining" not in dags["churn__life_cycle"].task_ids
    assert "settle_retraining" not in dags["credit_approval__train"].task_ids


def test_health_asks_only_where_it_is_declared(dags: Any):
    assert dags["churn__health"].get_task("retrain").outlets == [asset_alias("churn", "retrain")]
    assert dags["churn__health"].get_task("probation").outlets == [asset_alias("churn", "model")]
    assert {"retrain", "probation"}.isdisjoint(dags["credit_approval__health"].task_ids)


def test_deadlines_are_counted_from_the_queue(dags: Any):
    for name, hours in (("train", 6), ("score", 1)):
        (deadline,) = dags[f"churn__{name}"].deadline
        assert deadline.interval.total_seconds() == hours * 3600
        assert deadline.reference.reference_name == "DagRunQueuedAtDeadline"
        assert deadline.callback.path == "snowloop.airflow.notices.ProjectNotifier"
    assert not dags["credit_approval__train"].deadline


def test_an_event_is_emitted_with_its_reason_only_if_a_training_is_asked_for(
    session: Any, context: Any, monkeypatch: pytest.MonkeyPatch
):
    asked: list[str] = []
    answers = [Retraining(None, "no alert is open"), Retraining("r1", "drift:X: high", ("drift:X",), "V1")]

    def request(_workspace: Any, run_id: str) -> Retraining:
        asked.append(run_id)
        return answers[len(asked) - 1]

    monkeypatch.setattr(retraining, "request_retraining", request)
    context["outlet_events"] = OutletEventAccessors()
    alias = asset_alias("credit_approval", "retrain")
    for expected in ([], [("r1", ["drift:X"], "drift:X: high", "V1")]):
        RetrainOperator(task_id="retrain", project="credit_approval", target="prod").execute(context)
        events = context["outlet_events"][alias].asset_alias_events
        values = [tuple(each.extra[name] for name in ("request_id", "alerts", "reason", "version")) for each in events]
        assert values == expected
    assert events[0].dest_asset_key.uri == retrain_asset("credit_approval", "prod").uri
    assert asked == ["credit_approval__train__manual__1"] * 2


def test_the_requests_that_started_the_run_are_settled_with_its_verdict_and_its_failures(
    session: Any, context: Any, monkeypatch: pytest.MonkeyPatch
):
    settled: dict[str, Any] = {}

    def settle(_workspace: Any, requests: Any, **values: Any) -> Settled:
        settled.update(requests=requests, **values)
        return Settled(("r1",), "refused", "no")

    monkeypatch.setattr(retraining, "settle_retraining", settle)
    operator = SettleRetrainingOperator(
        task_id="settle", project="credit_approval", target="prod", verdict_id="v1", stages=["a", "b"]
    )
    context["triggering_asset_events"] = TriggeringAssetEventsAccessor.build([])
    with pytest.raises(AirflowSkipException, match="no alert had asked for this run"):
        operator.execute(context)
    assert settled == {}
    event: Any = SimpleNamespace(
        asset=retrain_asset("credit_approval", "prod"), source_aliases=[], extra={"request_id": "r1"}
    )
    context["triggering_asset_events"] = TriggeringAssetEventsAccessor.build([event, event])
    context["ti"].xcom_pull = lambda **_: [["it is too cold", None], "the gate refuses", None]
    operator.execute(context)
    assert settled == {"requests": ("r1",), "verdict_id": "v1", "failure": "it is too cold; the gate refuses"}
