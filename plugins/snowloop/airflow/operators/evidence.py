"""Operators that leave evidence: the report of a training run, accepted or refused, monitoring, and rehearsals."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

from airflow.sdk.exceptions import AirflowSkipException

from snowloop.airflow.operators.base import SnowparkStageOperator
from snowloop.project import Project
from snowloop.workspace import Workspace

if TYPE_CHECKING:
    from airflow.sdk import Asset, Context

    from snowloop.lifecycle.monitoring.probation import Followed
    from snowloop.lifecycle.results import Result


class ReportOperator(SnowparkStageOperator):
    """Put the report of a verdict on the stage OPS.REPORTS; skipped if the gate failed before it could decide.

    Args:
        verdict_id: The verdict's id in OPS.VERDICTS (templated).
    """

    verdict_id: str

    def execute(self, context: Context) -> dict[str, Any]:
        """Make the report, and give its places to later tasks.

        Raises:
            AirflowSkipException: If there is no verdict.
            AirflowFailException: If the report cannot be made.
        """
        if not self.verdict_id:
            raise AirflowSkipException("there is no verdict to report: the gate failed before it could decide")
        return super().execute(context)

    def run(self, workspace: Workspace) -> Result:
        """Call ``publish_report``."""
        from snowloop.lifecycle.report import publish_report

        return publish_report(workspace, verdict_id=self.verdict_id)


class MonitorOperator(SnowparkStageOperator):
    """Monitor what serves, send the messages of alerts, and put a page with plots on the stage OPS.REPORTS.

    A failed check of the champion fails the task.
    """

    stage = "monitoring.monitor:monitor"
    reads = ("scored", "model")

    def perform(self, context: Context, project: Project) -> Result:
        """Remember the context, which notifiers need."""
        self._context = context
        return super().perform(context, project)

    def run(self, workspace: Workspace) -> Result:
        """Call ``monitor``, then send and show; also if a check failed, so that what failed is known.

        Raises:
            MonitoringError: If a check failed, or nothing could be monitored.
            NotificationError: If a notifier could not send.
        """
        from snowloop.airflow.notify import send_alerts
        from snowloop.errors import MonitoringCheckError, MonitoringError, NotificationError
        from snowloop.lifecycle.report.monitoring import publish_page

        try:
            result = super().run(workspace)
        except MonitoringError as failed:
            try:
                send_alerts(workspace, self._context)
            except NotificationError as unsent:
                raise MonitoringError(f"{failed}; and {unsent}") from unsent
            if isinstance(failed, MonitoringCheckError):
                self.log.info("the page of monitoring: %s", publish_page(workspace))
            raise
        send_alerts(workspace, self._context)
        return replace(result, page=publish_page(workspace))  # type: ignore[call-arg]


class ProbationOperator(SnowparkStageOperator):
    """Judge a new champion on the rows that the former one scores along, and send the alert; it may be rolled back."""

    stage = "monitoring.probation:follow_probation"
    changes = "model"
    reads = ("scored",)

    def perform(self, context: Context, project: Project) -> Result:
        """Remember the context, which notifiers need."""
        self._context = context
        return super().perform(context, project)

    def run(self, workspace: Workspace) -> Result:
        """Call ``follow_probation``, then send.

        Raises:
            NotificationError: If a notifier could not send.
        """
        from snowloop.airflow.notify import send_alerts

        result = super().run(workspace)
        send_alerts(workspace, self._context)
        return result

    def event(self, workspace: Workspace, result: Result) -> tuple[Asset, dict[str, Any]] | None:
        """The model with the champion that serves again; None if nothing was rolled back."""
        from snowloop.airflow.assets import table_asset

        done = cast("Followed", result)
        if not done.rolled_back or done.probation is None:
            return None
        extra = {
            "action": "rollback",
            "version": done.probation.former,
            "before": done.probation.version_name,
            "reason": done.probation.reason,
        }
        return table_asset(workspace, "MODELS", workspace.project.model_name), extra


class VerifyOperator(SnowparkStageOperator):
    """Ask whether anything is lost, twice, or does not agree; a check that fails fails the task."""

    stage = "monitoring.verify:check_verified"


class RehearseOperator(SnowparkStageOperator):
    """Rehearse retraining and rollback of the champion; a part that fails is recorded and fails the task."""

    stage = "monitoring.rehearse:rehearse"
