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
from snowloop.project import Project, load_project

if TYPE_CHECKING:
    from airflow.sdk import Context

    from snowloop.lifecycle.champion.approval import Request

REASON = "reason"
NOT_ASKED = "nobody has to be asked any more, because the declaration was changed: run it again"


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
        """Put the report into the form and wait, or pass with nobody's approval where none is required."""
        from snowloop.lifecycle.champion.approval import Approval, question

        project = load_project(self.project)
        request = self.request(project)
        if request is None:
            return self._pass(context, Approval(self.version_name))
        self.response_timeout = project.approval.timeout
        self.subject, self.body = question(project, request, self.report)
        return super().execute(context)

    @property
    def version_name(self) -> str:
        """The version that is asked about."""
        return str(self.verdict["version_name"])

    def request(self, project: Project) -> Request | None:
        """What is asked; None where nobody is."""
        from snowloop.lifecycle.champion.approval import promotion_request
        from snowloop.lifecycle.gate.verdict import Verdict

        return promotion_request(project, self.target, Verdict.from_dict(self.verdict))

    def execute_complete(self, context: Context, event: dict[str, Any]) -> Any:
        """Give the approval to later tasks, or fail with who rejected it and why.

        Args:
            event: The answer, or what Airflow fills in when nobody answered in time.

        Raises:
            AirflowFailException: If it was rejected or not answered in time.
        """
        from snowloop.errors import ApprovalRefused
        from snowloop.lifecycle.champion.approval import Answer, settle

        project = load_project(self.project)
        request = self.request(project)
        if request is None:  # the declaration was changed meanwhile
            raise AirflowFailException(NOT_ASKED)
        user = event.get("responded_by_user") or {}
        answer = Answer(
            approved=event.get("chosen_options") == [self.APPROVE],
            by=user.get("name") or user.get("id"),
            reason=(event.get("params_input") or {}).get(REASON),
        )
        try:
            approval = settle(project, request, answer)
        except ApprovalRefused as refusal:
            context["ti"].xcom_push(key=REASON_KEY, value=str(refusal))
            raise AirflowFailException(str(refusal)) from refusal
        return self._pass(context, approval)

    def _pass(self, context: Context, approval: Any) -> dict[str, Any]:
        context["ti"].xcom_push(key=SUMMARY_KEY, value=approval.summary())
        fields: dict[str, Any] = approval.to_dict()
        return fields


class ApproveCanaryOperator(ApproveOperator):
    """Wait for a person's approval of a challenger that is to serve a large share of the keys, as for a promotion.

    Args:
        proposal: The version that is proposed, as its task gave it (templated).
    """

    template_fields: Collection[str] = (*ApproveOperator.template_fields, "proposal")

    def __init__(self, *, proposal: Any, **kwargs: Any) -> None:
        super().__init__(verdict=None, report=None, **kwargs)
        self.proposal = proposal

    def execute(self, context: Context) -> Any:
        """Put the proposal into the form and wait, or pass if no approval is required."""
        self.report = self.proposal["report"]
        return super().execute(context)

    @property
    def version_name(self) -> str:
        """The version that is asked about."""
        return str(self.proposal["version_name"])

    def request(self, project: Project) -> Request | None:
        """What is asked; None where nobody is."""
        from snowloop.lifecycle.champion.approval import canary_request

        return canary_request(project, self.target, self.version_name) if self.version_name else None
