"""Retraining as Airflow operators: one asks for a training where an alert does, the other says what became of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, cast

from airflow.sdk.exceptions import AirflowSkipException

from snowloop.airflow import REASON_KEY
from snowloop.airflow.assets import retrain_asset
from snowloop.airflow.operators.base import SnowparkStageOperator
from snowloop.workspace import Workspace

if TYPE_CHECKING:
    from airflow.sdk import Asset, Context

    from snowloop.lifecycle.monitoring.retraining import Retraining
    from snowloop.lifecycle.results import Result
    from snowloop.project import Project

REQUEST = "request_id"
"""What an event calls the id of the request."""


class RetrainOperator(SnowparkStageOperator):
    """Ask for a training where an open alert does: an asset event, on which the train DAG is scheduled."""

    changes = "retrain"
    _run_id = ""

    def perform(self, context: Context, project: Project) -> Result:
        """Name the request after the DAG run, so that a retry asks for the same training."""
        self._run_id = f"{context['ti'].dag_id}__{context['ti'].run_id}"
        return super().perform(context, project)

    def run(self, workspace: Workspace) -> Result:
        """Call ``request_retraining``."""
        from snowloop.lifecycle.monitoring.retraining import request_retraining

        return request_retraining(workspace, self._run_id)

    def event(self, workspace: Workspace, result: Result) -> tuple[Asset, dict[str, Any]] | None:
        """The event that starts the training, with its reason; None if none is asked for."""
        asked = cast("Retraining", result)
        if asked.request_id is None:
            return None
        extra = {
            REQUEST: asked.request_id,
            "alerts": list(asked.signals),
            "reason": asked.reason,
            "version": asked.version_name,
        }
        return retrain_asset(self.project, workspace.target), extra


class SettleRetrainingOperator(SnowparkStageOperator):
    """Say in the alerts that had asked for this run what became of it; skipped if no alert had.

    Args:
        verdict_id: The gate's verdict; empty if the run did not reach it (templated).
        stages: The tasks whose failure is a reason.
    """

    verdict_id: str
    stages: Any
    _requests: tuple[str, ...] = ()
    _failure: str = ""

    def execute(self, context: Context) -> dict[str, Any]:
        """Read from Airflow which requests started the run, and why it failed, and run the stage.

        Raises:
            AirflowSkipException: If the run was started otherwise.
        """
        events = [event for each in context["triggering_asset_events"].values() for event in each]
        self._requests = tuple(dict.fromkeys(str(each.extra[REQUEST]) for each in events if REQUEST in each.extra))
        if not self._requests:
            raise AirflowSkipException("no alert had asked for this run")
        reasons = context["ti"].xcom_pull(task_ids=list(self.stages), key=REASON_KEY)
        self._failure = "; ".join(dict.fromkeys(_texts(reasons)))
        return super().execute(context)

    def run(self, workspace: Workspace) -> Result:
        """Call ``settle_retraining``."""
        from snowloop.lifecycle.monitoring.retraining import settle_retraining

        verdict = self.verdict_id or None
        return settle_retraining(workspace, self._requests, verdict_id=verdict, failure=self._failure)


def _texts(reasons: Any) -> Iterator[str]:
    """The texts among what several tasks pushed, of which mapped ones push several."""
    if isinstance(reasons, str):
        yield reasons
    elif reasons is not None:
        for each in reasons:
            yield from _texts(each)
