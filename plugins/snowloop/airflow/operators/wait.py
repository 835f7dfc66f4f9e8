"""Waiting for the native tasks as an Airflow operator: the triggerer waits, and no worker is occupied."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from airflow.sdk.exceptions import AirflowFailException, TaskDeferred

from snowloop.airflow import REASON_KEY
from snowloop.airflow.operators.base import SnowparkStageOperator
from snowloop.command_line import command
from snowloop.workspace import Workspace

if TYPE_CHECKING:
    from airflow.sdk import Context

    from snowloop.lifecycle.scoring import Scores


class AwaitScoresOperator(SnowparkStageOperator):
    """Wait until the native tasks have scored every row that arrived.

    Args:
        timeout: Longest wait in seconds (templated; the DAG's parameter by default).
        arrived: The report of the load whose rows are awaited, as its stage gave it (templated).
        poll_interval: Seconds between two polls.
    """

    timeout: str | int = "{{ params.timeout }}"
    arrived: Any = None
    poll_interval: float = 1.0

    def run(self, workspace: Workspace) -> Scores:
        """Call ``scores_of`` once, and hand the wait to the triggerer while there is no answer.

        Raises:
            TaskDeferred: if the rows are not scored yet; the task is resumed in ``resume``.
        """
        from snowloop.airflow.triggers.scoring import LoopTrigger
        from snowloop.lifecycle.data.load import LoadReport
        from snowloop.lifecycle.scoring.wait import reporting_start, scores_of
        from snowloop.sql import clock

        began = LoadReport.from_dict(self.arrived).started_at if self.arrived else None
        moments = {"arrived": clock(workspace.session), "since": reporting_start(workspace, began)}
        scores = scores_of(workspace, **moments)
        if scores is not None:
            return scores
        trigger = LoopTrigger(
            question="scores_taken",
            project=self.project,
            target=self.target,
            options={name: moment.isoformat() for name, moment in moments.items()},
            snowflake_conn_id=self.snowflake_conn_id,
            poll_interval=self.poll_interval,
            deadline=time.time() + int(self.timeout),
            query_tag=self.query_tag,
        )
        raise TaskDeferred(trigger=trigger, method_name="resume")

    def resume(self, context: Context, event: dict[str, Any]) -> dict[str, Any]:
        """Give what the runs did to later tasks, when the trigger has an ``event``: its answer, or why there is none.

        Raises:
            AirflowFailException: if the wait ended without an answer.
        """
        from snowloop.airflow.triggers.scoring import why_unanswered
        from snowloop.lifecycle.scoring import Scores

        why = why_unanswered(event, awaited="scores", project=self.project, timeout=int(self.timeout))
        if why:
            reason = f"{why}; tasks and last runs: {command('status', project=self.project, target=self.target)}"
            context["ti"].xcom_push(key=REASON_KEY, value=reason)
            raise AirflowFailException(reason)
        return self.conclude(context, Scores.from_dict(event["answer"]))
