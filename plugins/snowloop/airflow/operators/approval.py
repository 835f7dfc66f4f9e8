"""A person's approval of a promotion, as Airflow's human-in-the-loop operator, where the declaration requires it."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow.providers.standard.operators.hitl import ApprovalOperator
from airflow.sdk import Param
from airflow.sdk.definitions.param import ParamsDict
from airflow.sdk.exceptions import AirflowFailException

from snowloop.airflow import REASON_KEY, SUMMARY_KEY
from snowloop.airflow.operators.base import TARGET_TEMPLATE
from snowloop.project import load_project

if TYPE_CHECKING:
    from airflow.sdk import Context

REASON = "reason"


class ApproveOperator(ApprovalOperator):
    """Wait for a person's approval; a rejection or no answer fails the run, so that nothing is promoted.

    In an environment that the declaration does not name, no approval is required and it passes at once.

    Args:
        project: Name of the declared project.
        verdict: The gate's verdict (templated).
        report: The verdict's report in Markdown (templated), which the form shows.
        target: Environment to work on (templated; the DAG's parameter by default).
        retries: How often a lost connection to Airflow is tried again.
        retry_delay: Pause before that.
        params: The DAG's own form, which Airflow hands to every task; its fields are not shown again.
    """

    template_fields: Collection[str] = (*ApprovalOperator.template_fields, "project", "target", "verdict", "report")
    ui_color = "#fff3d6"

    def __init__(
        self,
        *,
        project: str,
        verdict: Any,
        report: Any,
        target: str = TARGET_TEMPLATE,
        retries: int | None = 2,
        retry_delay: timedelta | float = timedelta(seconds=5),
        params: ParamsDict | dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        declared = load_project(project).approval
        why = {"title": "Reason", "description": "Why; recorded in OPS.LEDGER."}
        form = ParamsDict(params)
        form.update(ParamsDict({REASON: Param(None, type=["null", "string"], source="task", **why)}))
        super().__init__(
            subject=f"Promotion of {project}",
            defaults=ApprovalOperator.REJECT,
            params=form,
            assigned_users=[{"id": name, "name": name} for name in declared.approvers] or None,
            response_timeout=declared.timeout,
            retries=retries,
            retry_delay=retry_delay,
            **kwargs,
        )
        self.project = project
        self.target = target
        self.verdict = verdict
        self.report = report

    def execute(self, context: Context) -> Any:
        """Put the report into the form and wait, or pass if no approval is required.

        Returns:
            The approval by nobody, where none is required; otherwise it does not return but waits.
        """
        from snowloop.lifecycle.champion.approval import Approval, asks, question
        from snowloop.lifecycle.gate.verdict import Verdict

        project, verdict = load_project(self.project), Verdict.from_dict(self.verdict)
        if not asks(project, self.target, verdict):
            return self._pass(context, Approval(verdict.version_name))
        self.response_timeout = project.approval.timeout
        self.subject, self.body = question(project, self.target, verdict, self.report)
        return super().execute(context)

    def execute_complete(self, context: Context, event: dict[str, Any]) -> Any:
        """Return the approval for later tasks, or fail with who rejected it and why.

        Args:
            event: The answer, or what Airflow fills in when nobody answered in time.

        Returns:
            The approval as JSON-able fields.

        Raises:
            AirflowFailException: If it was rejected or not answered in time.
        """
        from snowloop.errors import ApprovalRefused
        from snowloop.lifecycle.champion.approval import Answer, settle
        from snowloop.lifecycle.gate.verdict import Verdict

        project, verdict = load_project(self.project), Verdict.from_dict(self.verdict)
        user = event.get("responded_by_user") or {}
        answer = Answer(
            approved=event.get("chosen_options") == [self.APPROVE],
            by=user.get("name") or user.get("id"),
            reason=(event.get("params_input") or {}).get(REASON),
        )
        try:
            approval = settle(project, self.target, verdict, answer)
        except ApprovalRefused as refusal:
            context["ti"].xcom_push(key=REASON_KEY, value=str(refusal))
            raise AirflowFailException(str(refusal)) from refusal
        return self._pass(context, approval)

    def _pass(self, context: Context, approval: Any) -> dict[str, Any]:
        context["ti"].xcom_push(key=SUMMARY_KEY, value=approval.summary())
        fields: dict[str, Any] = approval.to_dict()
        return fields
