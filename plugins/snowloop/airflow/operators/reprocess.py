"""Health, backfill, requeue and recovery as Airflow operators: each is one call of a lifecycle function."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from snowloop.airflow.operators.base import SnowparkStageOperator
from snowloop.workspace import Workspace

if TYPE_CHECKING:
    from airflow.sdk import Context

    from snowloop.lifecycle.scoring.health import StreamHealth
    from snowloop.lifecycle.scoring.reprocess.backfill import Backfill
    from snowloop.lifecycle.scoring.reprocess.recover import Recovery
    from snowloop.lifecycle.scoring.reprocess.requeue import Requeue


class HealthOperator(SnowparkStageOperator):
    """Check the stream and the tasks of the scoring loop; findings fail the task, each with what to do."""

    def run(self, workspace: Workspace) -> StreamHealth:
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

    template_fields: Sequence[str] = (*SnowparkStageOperator.template_fields, "recover")

    def __init__(self, *, recover: str | bool = "{{ params.recover }}", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.recover = recover

    def run(self, workspace: Workspace) -> Recovery:
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

    template_fields: Sequence[str] = (*SnowparkStageOperator.template_fields, "version", "start", "end", "batch_size")

    def __init__(
        self,
        *,
        version: str = "{{ params.version or '' }}",
        start: str = "{{ params.start or '' }}",
        end: str = "{{ params.end or '' }}",
        batch_size: str | int = "{{ params.batch_size }}",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.version = version
        self.start = start
        self.end = end
        self.batch_size = batch_size
        self._run_id: str | None = None

    def execute(self, context: Context) -> dict[str, Any]:
        """Name the backfill after the DAG run, so that a retry is the same backfill, and run the stage."""
        self._run_id = f"{context['ti'].dag_id}__{context['ti'].run_id}"
        return super().execute(context)

    def run(self, workspace: Workspace) -> Backfill:
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

    template_fields: Sequence[str] = (*SnowparkStageOperator.template_fields, "version")

    def __init__(self, *, version: str = "{{ params.version or '' }}", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.version = version

    def run(self, workspace: Workspace) -> Requeue:
        """Call ``requeue``."""
        from snowloop.lifecycle.scoring.reprocess.requeue import requeue

        return requeue(workspace, version=self.version or None)
