"""Notices of failures, waiting approvals and missed deadlines, sent by the declared notifiers."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk import BaseNotifier
from airflow.sdk.exceptions import AirflowFailException, TaskAwaitingInput

from snowloop.airflow.notices import ProjectNotifier, approval_notifiers, failure_callbacks
from snowloop.airflow.operators.approval import ApproveOperator
from snowloop.errors import MonitoringError
from snowloop.lifecycle.gate.verdict import Verdict
from snowloop.project import load_project

SENT: list[tuple[str, str]] = []


class Kept(BaseNotifier):
    """Keeps what it is told to send."""

    template_fields = ("subject", "text")

    def __init__(self, *, subject: str, text: str = "{{ alert.text }}", context: Any = None) -> None:
        super().__init__(context)
        self.subject, self.text = subject, text

    def notify(self, context: Any) -> None:
        """Keep it, or fail as declared."""
        if self.subject == "broken":
            raise ConnectionError("nobody answers")
        SENT.append((self.subject, self.text))


DECLARED = f"""
monitoring:
  alerts:
    notify:
      - {{notifier: {__name__}.Kept, arguments: {{subject: broken}}}}
      - {{notifier: {__name__}.Kept, arguments: {{subject: "{{{{ alert.subject }}}}"}}}}
      - {{notifier: {__name__}.Kept, arguments: {{subject: elsewhere}}, targets: [staging]}}
"""


@pytest.fixture
def notified(asked: dict[str, Any], tmp_path: Path) -> dict[str, Any]:
    """The shipped project with approvals in prod and three notifiers, one of which fails; what the form shows."""
    SENT.clear()
    declared = tmp_path / "include" / "projects" / "credit_approval" / "project.yaml"
    declared.write_text(declared.read_text() + DECLARED)
    return asked


def failed(context: Any, error: BaseException, **run: Any) -> None:
    """A task fails, and Airflow calls what is declared for that."""
    given = {**context, "params": {"target": "prod"}, "exception": error, "dag_run": SimpleNamespace(**run)}
    for callback in failure_callbacks(load_project("credit_approval")):
        callback(given)


@pytest.mark.usefixtures("notified")
def test_a_failed_task_is_sent_with_its_reason_by_each_notifier_that_works(context: Any):
    failed(context, AirflowFailException("refused"), run_type="manual")
    assert SENT == [
        (
            "credit_approval in prod: credit_approval__train failed",
            "credit_approval in prod: task train.gate of credit_approval__train, run manual__1, failed: refused",
        )
    ]


@pytest.mark.usefixtures("notified")
def test_what_an_alert_reports_is_not_sent_twice(context: Any):
    error = AirflowFailException("scores are NaN")
    error.__cause__ = MonitoringError("scores are NaN")
    failed(context, error, run_type="manual")
    assert SENT == []


@pytest.mark.usefixtures("notified")
@pytest.mark.parametrize(("before", "count"), [(None, 1), ("success", 1), ("failed", 0)])
def test_of_scheduled_runs_that_fail_in_a_row_the_first_is_sent(context: Any, before: str | None, count: int):
    context["ti"].map_index = -1
    context["ti"].get_previous_ti = lambda map_index: SimpleNamespace(state=before) if before else None
    failed(context, AirflowFailException("the stream is stale"), run_type="scheduled")
    assert len(SENT) == count


def test_a_waiting_approval_is_sent_with_its_question(notified: dict[str, Any], context: Any):
    project = load_project("credit_approval")
    verdict = Verdict("v1", "GOOD_1", "OLD_1", "f1", (), kept=False)
    operator = ApproveOperator(
        task_id="approve",
        project="credit_approval",
        target="prod",
        verdict=verdict.to_dict(),
        report="all is well",
        notifiers=approval_notifiers(project),
    )
    context["ti"].task_id = "train.approve"
    task = SimpleNamespace(**vars(context["ti"]), id="1")
    given: Any = {**context, "params": {"target": "prod"}, "task": operator, "ti": context["ti"], "task_instance": task}
    with pytest.raises(TaskAwaitingInput):
        operator.execute(given)
    asked = "Promote GOOD_1 to champion of credit_approval in prod?"
    assert notified["subject"] == asked
    assert [
        (
            f"credit_approval in prod: {asked} waits for an answer",
            f"credit_approval in prod: {asked} Answer task train.approve of credit_approval__train, run manual__1",
        )
    ] == SENT


@pytest.mark.usefixtures("notified")
def test_a_missed_deadline_is_sent_for_the_environment_of_its_run():
    deadline = {"id": "1", "deadline_time": datetime(2026, 3, 1, 12, tzinfo=UTC)}
    run = {"dag_id": "credit_approval__train", "dag_run_id": "scheduled__1", "conf": {"target": "prod"}}
    ProjectNotifier(project="credit_approval", notice="deadline")({"dag_run": run, "deadline": deadline})
    ((subject, text),) = SENT
    assert subject == "credit_approval in prod: credit_approval__train is late"
    assert text.endswith("run scheduled__1, is not done at its deadline, 2026-03-01 12:00 UTC")


def test_without_notifiers_nothing_is_called():
    project = load_project("credit_approval")
    assert [*failure_callbacks(project), *approval_notifiers(project)] == []
