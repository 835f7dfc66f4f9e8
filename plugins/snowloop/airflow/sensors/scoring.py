"""Deferrable sensors on a project's scoring loop: they occupy no worker while they wait."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseSensorOperator
from airflow.sdk.exceptions import AirflowFailException

from snowloop.airflow.arguments import TemplatedArguments
from snowloop.airflow.operators.base import TARGET_TEMPLATE, query_tag

if TYPE_CHECKING:
    from airflow.sdk import Context


class LoopSensor(TemplatedArguments, BaseSensorOperator):
    """Base of the sensors: wait in the triggerer for an answer about the scoring loop.

    Args:
        project: Name of the declared project.
        target: Environment of the loop (templated; the DAG's parameter by default).
        snowflake_conn_id: Airflow connection to Snowflake; None: as for the operators.
        retries: How often the wait is begun again if Airflow loses it: an executor that reports late that the task has
            been deferred fails one that was resumed meanwhile ("finished with state success, but the task instance's
            state attribute is running"). An answer that is a failure is final.
        retry_delay: Pause before that.
        kwargs: What every sensor takes; ``poke_interval`` and ``timeout`` hold in the triggerer too.
    """

    template_fields: Sequence[str] = ("project", "target")
    question = ""
    awaited = ""
    """What the sensor waits for, in words, with its options in braces."""

    def __init__(
        self,
        *,
        project: str,
        target: str = TARGET_TEMPLATE,
        snowflake_conn_id: str | None = None,
        retries: int | None = 2,
        retry_delay: timedelta | float = timedelta(seconds=5),
        **kwargs: Any,
    ) -> None:
        super().__init__(retries=retries, retry_delay=retry_delay, **kwargs)
        self.project = project
        self.target = target
        self.snowflake_conn_id = snowflake_conn_id

    def options(self) -> dict[str, Any]:
        """Further arguments of the question, besides project and target."""
        return {}

    def execute(self, context: Context) -> Any:
        """Hand the wait to the triggerer.

        Raises:
            TaskDeferred: always; the task is resumed in ``resume``.
        """
        from snowloop.airflow.triggers.scoring import LoopTrigger

        awaited = self.awaited.format(**self.options())
        self.log.info("waiting up to %g s for %s of %s in %s", self.timeout, awaited, self.project, self.target)
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
        """Give the trigger's answer to later tasks.

        Raises:
            AirflowFailException: if the wait ended without one.
        """
        from snowloop.airflow.triggers.scoring import why_unanswered

        awaited = self.awaited.format(**self.options())
        reason = why_unanswered(event, awaited=awaited, project=self.project, timeout=self.timeout)
        if reason:
            raise AirflowFailException(reason)
        return event["answer"]


class StreamHasDataSensor(LoopSensor):
    """Wait until the stream holds rows that are not scored yet."""

    question = "stream_has_data"
    awaited = "new rows in the stream"


class GraphRunFinishedSensor(LoopSensor):
    """Wait until a run of the task graph that started at or after a moment is over; a failed run fails the sensor.

    Args:
        since: The moment, ISO text in UTC (templated; by default when the DAG run started).
    """

    question = "run_finished"
    awaited = "the end of a task graph run that started since {since}"
    since: str = "{{ dag_run.start_date.isoformat() }}"

    def options(self) -> dict[str, Any]:
        """The moment."""
        return {"since": self.since}


class BacklogBelowSensor(LoopSensor):
    """Wait until the stream holds fewer rows than a number.

    Args:
        rows: The number (templated).
    """

    question = "backlog_below"
    awaited = "a backlog below {rows} rows"
    rows: int | str

    def options(self) -> dict[str, Any]:
        """The number."""
        return {"rows": int(self.rows)}
