"""Deferrable sensors on a project's scoring loop: they occupy no worker while they wait."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseSensorOperator
from airflow.sdk.exceptions import AirflowFailException

from snowloop.airflow.operators.base import TARGET_TEMPLATE, query_tag

if TYPE_CHECKING:
    from airflow.sdk import Context


class LoopSensor(BaseSensorOperator):
    """Base of the sensors: wait in the triggerer for an answer about the scoring loop.

    Args:
        project: Name of the declared project.
        target: Environment of the loop (templated; the DAG's parameter by default).
        snowflake_conn_id: Airflow connection to Snowflake.
        kwargs: What every sensor takes; ``poke_interval`` and ``timeout`` hold in the triggerer too.
    """

    template_fields: Sequence[str] = ("project", "target")
    question = ""

    def __init__(
        self,
        *,
        project: str,
        target: str = TARGET_TEMPLATE,
        snowflake_conn_id: str = "snowflake_default",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.project = project
        self.target = target
        self.snowflake_conn_id = snowflake_conn_id

    @property
    def awaited(self) -> str:
        """What the sensor waits for, in words."""
        raise NotImplementedError

    def options(self) -> dict[str, Any]:
        """Further arguments of the question, besides project and target."""
        return {}

    def execute(self, context: Context) -> Any:
        """Hand the wait to the triggerer.

        Raises:
            TaskDeferred: always; the task is resumed in ``resume``.
        """
        from snowloop.airflow.triggers.scoring import LoopTrigger

        self.log.info("waiting up to %g s for %s of %s in %s", self.timeout, self.awaited, self.project, self.target)
        trigger = LoopTrigger(
            question=self.question,
            project=self.project,
            target=self.target,
            options=self.options(),
            snowflake_conn_id=self.snowflake_conn_id,
            poll_interval=self.poke_interval,
            deadline=time.time() + self.timeout,
            query_tag=query_tag(context),
        )
        self.defer(trigger=trigger, method_name="resume")

    def resume(self, context: Context, event: dict[str, Any]) -> Any:
        """Return the answer for later tasks.

        Args:
            event: The trigger's answer, or why there is none.

        Returns:
            The answer.

        Raises:
            AirflowFailException: if the wait ended without one.
        """
        from snowloop.airflow.triggers.scoring import why_unanswered

        reason = why_unanswered(event, awaited=self.awaited, project=self.project, timeout=self.timeout)
        if reason:
            raise AirflowFailException(reason)
        return event["answer"]


class StreamHasDataSensor(LoopSensor):
    """Wait until the stream holds rows that are not scored yet."""

    question = "stream_has_data"

    @property
    def awaited(self) -> str:
        """The rows."""
        return "new rows in the stream"


class GraphRunFinishedSensor(LoopSensor):
    """Wait until a run of the task graph that started at or after a moment is over; a failed run fails the sensor.

    Args:
        since: The moment, ISO text in UTC (templated; by default when the DAG run started).
    """

    template_fields: Sequence[str] = (*LoopSensor.template_fields, "since")
    question = "run_finished"

    def __init__(self, *, since: str = "{{ dag_run.start_date.isoformat() }}", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.since = since

    @property
    def awaited(self) -> str:
        """The run."""
        return f"the end of a task graph run that started since {self.since}"

    def options(self) -> dict[str, Any]:
        """The moment."""
        return {"since": self.since}


class BacklogBelowSensor(LoopSensor):
    """Wait until the stream holds fewer rows than a number.

    Args:
        rows: The number (templated).
    """

    template_fields: Sequence[str] = (*LoopSensor.template_fields, "rows")
    question = "backlog_below"

    def __init__(self, *, rows: int | str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.rows = rows

    @property
    def awaited(self) -> str:
        """The bound on the backlog."""
        return f"a backlog below {self.rows} rows"

    def options(self) -> dict[str, Any]:
        """The number."""
        return {"rows": int(self.rows)}
