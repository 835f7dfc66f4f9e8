"""Health, backfill, requeue and recovery as Airflow operators: each is one call of a lifecycle function."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from snowloop.airflow.operators.base import SnowparkStageOperator
from snowloop.workspace import Workspace

if TYPE_CHECKING:
    from airflow.sdk import Context

    from snowloop.lifecycle.results import Result


class HealthOperator(SnowparkStageOperator):
    """Check the stream and the tasks of the scoring loop; findings fail the task, each with what to do."""

    def run(self, workspace: Workspace) -> Result:
        """Call ``stream_health``."""
        from snowloop.errors import ScoringError
        from snowloop.lifecycle.scoring.health import stream_health

        health = stream_health(workspace)
        if health.findings:
            raise ScoringError("\n".join(health.findings))
        return health


class RecoverOperator(SnowparkStageOperator):
    """Replace a stale stream and score what was missed; a healthy stream is left alone.

    Args:
        recover: Whether to recover at all (templated; the DAG's parameter by default).
    """

    recover: str | bool = "{{ params.recover }}"

    def run(self, workspace: Workspace) -> Result:
        """Call ``recover_loop`` if the form says so."""
        from snowloop.lifecycle.scoring.reprocess.recover import Recovery, recover_loop

        if str(self.recover).lower() != "true":
            return Recovery(recovered=False)
        return recover_loop(workspace, lost=False)


class BackfillOperator(SnowparkStageOperator):
    """Score rows of the source again with a chosen version; a retry of the same run resumes it.

    Args:
        version: Name or alias of the version; empty: the champion (templated, as all of these; by default the form).
        start: Beginning of the period; empty: no bound.
        end: End of the period, exclusive; empty: no bound.
        batch_size: Rows in one transaction.
    """

    version: str = "{{ params.version or '' }}"
    start: str = "{{ params.start or '' }}"
    end: str = "{{ params.end or '' }}"
    batch_size: str | int = "{{ params.batch_size }}"
    _run_id: str | None = None

    def execute(self, context: Context) -> dict[str, Any]:
        """Name the backfill after the DAG run, so that a retry is the same backfill, and run the stage."""
        self._run_id = f"{context['ti'].dag_id}__{context['ti'].run_id}"
        return super().execute(context)

    def run(self, workspace: Workspace) -> Result:
        """Call ``backfill``."""
        from snowloop.lifecycle.scoring.reprocess.backfill import Rows, backfill

        rows = Rows(start=self.start or None, end=self.end or None)
        chosen: dict[str, Any] = {"version": self.version or None, "rows": rows, "batch_size": int(self.batch_size)}
        return backfill(workspace, run_id=self._run_id, **chosen)


class RequeueOperator(SnowparkStageOperator):
    """Score the quarantined rows that keep the contract now, and mark them.

    Args:
        version: Name or alias of the version; empty: the champion (templated; by default the form).
    """

    version: str = "{{ params.version or '' }}"

    def run(self, workspace: Workspace) -> Result:
        """Call ``requeue``."""
        from snowloop.lifecycle.scoring.reprocess.requeue import requeue

        return requeue(workspace, version=self.version or None)
