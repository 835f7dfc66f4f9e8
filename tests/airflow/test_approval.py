"""A promotion waits for a person where the declaration says so: yes, no and silence."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowFailException, TaskAwaitingInput
from airflow.serialization.serialized_objects import DagSerialization

from snowloop.airflow.drawing import project_dag, train_group
from snowloop.airflow.operators.approval import ApproveOperator
from snowloop.airflow.params import target_form
from snowloop.checks import Check
from snowloop.lifecycle.champion.approval import Approval
from snowloop.lifecycle.gate.verdict import Verdict
from snowloop.project import load_project

CHECKS = (
    Check.of("BOUND", passed=True, reason="roc_auc is 0.7 | good", value=0.7, bound=0.65),
    Check.of("SIZE", passed=False, reason="too large", value=2e9, bound=1e8),
)
REPORT = "### V2 may serve\n\n| check |\n| --- |\n| BOUND |"
VERDICT = Verdict("v1d", "V2", "V1", "abc", CHECKS, kept=False)


def operator(target: str = "prod", verdict: Verdict = VERDICT) -> ApproveOperator:
    return ApproveOperator(
        task_id="approve", project="credit_approval", verdict=verdict.to_dict(), report=REPORT, target=target
    )


def waiting(context: Any) -> ApproveOperator:
    stage = operator()
    context["task_instance"] = SimpleNamespace(id="1")
    with pytest.raises(TaskAwaitingInput) as parked:
        stage.execute(context)
    assert parked.value.timeout == timedelta(hours=36)
    return stage


def answer(option: str, by: str | None, reason: str | None = None) -> dict[str, Any]:
    return {
        "chosen_options": [option],
        "params_input": {"reason": reason},
        "responded_at": datetime.now(UTC),
        "responded_by_user": {"id": by, "name": by} if by else None,
        "timedout": by is None,
    }


def test_the_form_holds_the_question_and_the_report(asked, context):
    waiting(context)
    assert asked["subject"] == "Promote V2 to champion of credit_approval in prod?"
    assert asked["body"].startswith(REPORT)
    assert "within 36 hours it is refused" in asked["body"]
    assert asked["options"] == ["Approve", "Reject"]
    assert asked["defaults"] == ["Reject"]
    assert asked["assigned_users"] == [{"id": "ada", "name": "ada"}]


def test_a_yes_is_handed_on_with_its_name(asked, context):
    given = waiting(context).execute_complete(context, answer("Approve", "ada", "looks fine"))
    assert Approval.from_dict(given) == Approval("V2", "ada", "looks fine")
    assert context["ti"].pushed["summary"] == {"version": "V2", "approved by": "ada"}


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (answer("Reject", "ada", "not now"), "V2 to champion of credit_approval in prod was rejected by ada: not now"),
        (answer("Reject", "ada"), "was rejected by ada: no reason given"),
        (answer("Reject", None), "was not answered within 36 hours: run it again"),
        (answer("Approve", None), "was approved without a name"),
    ],
)
def test_everything_else_fails_with_who_and_why(asked, context, given, says):
    stage = waiting(context)
    with pytest.raises(AirflowFailException, match=says):
        stage.execute_complete(context, given)
    assert says in context["ti"].pushed["reason"]


@pytest.mark.parametrize(
    ("target", "verdict"), [("dev", VERDICT), ("prod", Verdict("v1d", "V1", "V1", "abc", CHECKS, kept=True))]
)
def test_nobody_is_asked_elsewhere_or_where_nothing_changes(asked, context, target, verdict):
    given = operator(target, verdict).execute(context)
    assert Approval.from_dict(given) == Approval(verdict.version_name)
    assert asked == {}


def test_the_task_stands_between_gate_and_promote_and_follows_the_report(asked):
    project = load_project("credit_approval")
    with project_dag(project, "train", about="x", params=target_form()) as dag:
        train_group(project, part="all")
    approve = dag.get_task("train.approve")
    assert isinstance(approve, ApproveOperator)
    assert approve.upstream_task_ids == {"train.gate", "report"}
    assert list(approve.serialized_params) == ["reason"]
    assert dag.get_task("train.promote").upstream_task_ids == {"train.gate", "train.approve"}
    assert dag.get_task("train.promote").trigger_rule == "all_success"
    assert DagSerialization.deserialize_dag(DagSerialization.serialize_dag(dag)).task_ids == dag.task_ids
