"""Operators that leave evidence: the report of a training run, accepted or refused, monitoring, and rehearsals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from airflow.sdk import TriggerRule
from airflow.sdk.exceptions import AirflowSkipException

from snowloop.airflow.operators.base import SnowparkStageOperator
from snowloop.workspace import Workspace

if TYPE_CHECKING:
    from airflow.sdk import Context

    from snowloop.lifecycle.monitoring.monitor import MonitoringReport
    from snowloop.lifecycle.monitoring.rehearse import Rehearsal
    from snowloop.lifecycle.report import Report


class ReportOperator(SnowparkStageOperator):
    """Put the report of a verdict on the stage OPS.REPORTS.

    It runs when the gate has ended, also with a refusal: that is when a report is needed most. A refused run stays a
    failed one, because the gate's other branch has failed. The report is skipped if the gate never ran.

    Args:
        verdict_id: The verdict's id in OPS.VERDICTS (templated).
    """

    template_fields: Sequence[str] = (*SnowparkStageOperator.template_fields, "verdict_id")

    def __init__(self, *, verdict_id: str, **kwargs: Any) -> None:
        super().__init__(trigger_rule=TriggerRule.ONE_DONE, **kwargs)
        self.verdict_id = verdict_id

    def execute(self, context: Context) -> dict[str, Any]:
        """Make the report, or skip it if the gate failed before it could decide.

        Returns:
            Where the report is.

        Raises:
            AirflowSkipException: If there is no verdict.
            AirflowFailException: If the report cannot be made.
        """
        if not self.verdict_id:
            message = "there is no verdict to report: the gate failed before it could decide"
            raise AirflowSkipException(message)
        return super().execute(context)

    def run(self, workspace: Workspace) -> Report:
        """Call ``publish_report``."""
        from snowloop.lifecycle.report import publish_report

        return publish_report(workspace, verdict_id=self.verdict_id)


class MonitorOperator(SnowparkStageOperator):
    """Check scores, times, age and packages of the version that serves; a failed check fails the task."""

    def run(self, workspace: Workspace) -> MonitoringReport:
        """Call ``monitor``."""
        from snowloop.lifecycle.monitoring.monitor import monitor

        return monitor(workspace)


class RehearseOperator(SnowparkStageOperator):
    """Rehearse retraining and rollback: train the champion again and compare, test model.py, measure served scores."""

    def run(self, workspace: Workspace) -> Rehearsal:
        """Call ``rehearse``; a part that fails is recorded and fails the task with its reason."""
        from snowloop.lifecycle.monitoring.rehearse import rehearse

        return rehearse(workspace)
