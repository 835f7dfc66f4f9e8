"""The DAG that promotes a challenger where a person is asked: its real operators, driven in their order."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException, TaskAwaitingInput
from airflow.sdk.execution_time.xcom import XCom
from airflow.serialization.serialized_objects import DagSerialization

from snowloop.airflow.drawing import challenge_tasks, project_dag
from snowloop.airflow.operators.approval import ApproveOperator
from snowloop.airflow.operators.stages import PromoteOperator
from snowloop.airflow.params import challenge_form, target_form
from snowloop.lifecycle.champion.approval import Approval
from snowloop.lifecycle.champion.challenger import Challenge, Judged, Proposal
from snowloop.lifecycle.champion.promote import Promotion
from snowloop.lifecycle.gate.verdict import Verdict
from snowloop.project import include_dir, load_project
from snowloop.workspace import Workspace
from tests.airflow.conftest import FakeTask

VERDICT = Verdict("id", "B", "A", "abc", (), kept=False)
COMPARED = "```text\nshadow: challenger B against champion A\n```"


class Told(FakeTask):
    """A task instance that hands on what tasks before it have pushed."""

    id = "1"

    def __init__(self, task_id: str, run: dict[str, dict[str, Any]]) -> None:
        super().__init__()
        self.task_id, self.pushed = task_id, run.setdefault(task_id, {})
        self.run = run

    def xcom_pull(self, task_ids: str, key: str, **_named: Any) -> Any:
        return self.run[task_ids][key]


@pytest.fixture
def promoted(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What was promoted, with which yes."""
    done: list[Any] = []

    def promote(workspace: Workspace, verdict: Verdict, approval: Approval | None) -> Promotion:
        done.append((workspace.target, verdict, approval))
        return Promotion(verdict.version_name, verdict.champion, kept=False)

    monkeypatch.setattr(PromoteOperator, "event", lambda *_: None)  # test_assets has the events
    compared = {"prod": COMPARED}
    monkeypatch.setattr("snowloop.lifecycle.champion.challenger.promote_challenger", promote)
    monkeypatch.setattr(
        "snowloop.lifecycle.champion.challenger.judge_challenger",
        lambda workspace: Judged(VERDICT, compared.get(workspace.target, "")),
    )
    return done


@pytest.fixture
def canary(asked: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """A canary for half of the keys is declared; what was named challenger, with which yes."""
    declared = include_dir() / "projects" / "credit_approval" / "project.yaml"
    declared.write_text(declared.read_text() + "serving: {challenger: {mode: canary, share: 0.5}}\n")
    named: list[Any] = []

    def challenge(workspace: Workspace, **how: Any) -> Challenge:
        named.append((workspace.target, how))
        return Challenge(how["version"], None, "canary")

    monkeypatch.setattr("snowloop.lifecycle.champion.challenger.challenge", challenge)
    monkeypatch.setattr(
        "snowloop.lifecycle.champion.challenger.propose", lambda *_given, **_how: Proposal("B_1", "id", "B_1 next to A")
    )
    monkeypatch.setattr("snowloop.lifecycle.champion.challenger.withdraw", lambda *_given, **how: named.append(how))
    return named


class Run:
    """A run of the DAG with what its form says; its tasks are executed one by one."""

    def __init__(self, **form: Any) -> None:
        params = target_form() | challenge_form()
        with project_dag(load_project("credit_approval"), "challenge", about="x", params=params) as self.dag:
            challenge_tasks(load_project("credit_approval"))
        self.form = {"target": "prod", "action": "promote", "version": None, "reason": None, "judge": False, **form}
        self.pushed: dict[str, dict[str, Any]] = {}

    def context(self, task_id: str) -> Any:
        ti = Told(task_id, self.pushed)
        dag_run = SimpleNamespace(triggering_user_name="bob")
        return {"ti": ti, "task_instance": ti, "params": self.form, "dag": self.dag, "dag_run": dag_run}

    def execute(self, task_id: str, event: dict[str, Any] | None = None) -> Any:
        """Render the task as Airflow does, and execute it, or go on with it after an answer."""
        task: Any = self.dag.get_task(task_id)
        context = self.context(task_id)
        task.render_template_fields(context)
        result = task.execute_complete(context, event) if event else task.execute(context)
        self.pushed[task_id][XCom.XCOM_RETURN_KEY] = result
        return result


def answer(option: str, by: str | None) -> dict[str, Any]:
    user = {"id": by, "name": by} if by else None
    return {"chosen_options": [option], "params_input": {"reason": "fine"}, "responded_by_user": user}


def test_a_person_sees_the_comparison_and_a_yes_goes_with_the_promotion(asked, session, promoted):
    run = Run()
    run.execute("judge")
    with pytest.raises(TaskAwaitingInput):
        run.execute("approve")
    assert asked["subject"] == "Promote B to champion of credit_approval in prod?"
    assert asked["body"].startswith(COMPARED)
    assert "within 36 hours it is refused" in asked["body"]
    run.execute("approve", answer("Approve", "ada"))
    run.execute("promote")
    assert promoted == [("prod", VERDICT, Approval("B", "ada", "fine"))]


@pytest.mark.parametrize(
    ("given", "says"), [(answer("Reject", "ada"), "rejected by ada: fine"), (answer("Reject", None), "not answered")]
)
def test_a_no_and_a_silence_fail_before_the_promotion(asked, session, promoted, given, says):
    run = Run()
    run.execute("judge")
    with pytest.raises(AirflowFailException, match=says):
        run.execute("approve", given)
    assert promoted == []


def test_nobody_is_asked_elsewhere(asked, session, promoted):
    run = Run(target="dev")
    for task in ("judge", "approve", "promote"):
        run.execute(task)
    assert asked == {}
    assert promoted == [("dev", VERDICT, Approval("B"))]


def test_the_other_actions_ask_nobody(asked, session, promoted):
    run = Run(action="compare")
    with pytest.raises(AirflowSkipException):
        run.execute("judge")


NAMED: dict[str, Any] = {"version": "B", "reason": "it may be better", "judge": False}


def test_a_large_canary_waits_for_a_yes(asked, session, canary):
    run = Run(action="challenge", version="B", reason="it may be better", judge=True)
    run.execute("propose")
    with pytest.raises(TaskAwaitingInput):
        run.execute("approve_canary")
    assert asked["subject"] == "Let B_1 serve 50% of the keys of credit_approval in prod?"
    assert asked["body"].startswith("B_1 next to A")
    with pytest.raises(AirflowFailException, match=r"B_1 as a canary for 50% of the keys .* was rejected by ada: fine"):
        run.execute("approve_canary", answer("Reject", "ada"))
    run.execute("approve_canary", answer("Approve", "ada"))
    run.execute("challenge")
    assert canary == [("prod", {**NAMED, "approval": Approval("B_1", "ada", "fine")})]


def test_a_large_canary_is_nobodys_question_elsewhere_nor_is_another_action(asked, session, canary, monkeypatch):
    run = Run(action="challenge", version="B", reason="it may be better", target="dev")
    for task in ("propose", "approve_canary", "challenge"):
        run.execute(task)
    assert canary == [("dev", {**NAMED, "approval": Approval("B_1")})]
    promoting = Run()
    for task in ("propose", "approve_canary"):
        promoting.execute(task)
    with pytest.raises(AirflowSkipException):
        promoting.execute("challenge")
    assert asked == {}


def test_the_question_about_a_canary_stands_before_the_challenge(canary):
    dag = Run().dag
    assert dag.get_task("challenge").upstream_task_ids == {"approve_canary"}
    assert dag.get_task("approve_canary").upstream_task_ids == {"propose"}
    assert DagSerialization.deserialize_dag(DagSerialization.serialize_dag(dag)).task_ids == dag.task_ids


def test_the_question_stands_between_judge_and_promotion(asked):
    dag = Run().dag
    assert isinstance(dag.get_task("approve"), ApproveOperator)
    assert dag.get_task("approve").upstream_task_ids == {"judge"}
    assert dag.get_task("promote").upstream_task_ids == {"judge", "approve"}
    assert dag.get_task("challenge").downstream_task_ids == set()
    assert {task.trigger_rule for task in dag.tasks} == {"all_success"}
    assert DagSerialization.deserialize_dag(DagSerialization.serialize_dag(dag)).task_ids == dag.task_ids
