"""Promotion from one target into another as Airflow operators, and the smoke of a target."""

from __future__ import annotations

from contextlib import closing, nullcontext
from typing import TYPE_CHECKING, cast

from snowloop.airflow import VERDICT_KEY
from snowloop.airflow.connections import connection_id
from snowloop.airflow.operators.base import SnowparkStageOperator
from snowloop.errors import GateRefused
from snowloop.markdown import escaped
from snowloop.project import load_project
from snowloop.workspace import Workspace

if TYPE_CHECKING:
    from airflow.sdk import Context

    from snowloop.lifecycle.gate.verdict import Verdict
    from snowloop.lifecycle.results import Result
    from snowloop.project import Project

CHECKS_KEY = "checks"
"""XCom key of the checks in Markdown, which a person sees who is asked for an approval."""


class DeliverOperator(SnowparkStageOperator):
    """Copy a version from one target into another, and judge it there; nothing is trained.

    Args:
        source: The target that has the version (templated; the DAG's parameter by default).
        version: Its name or alias; empty: the champion of the source (templated, likewise).
    """

    source: str = "{{ params.source }}"
    version: str = "{{ params.version or '' }}"

    def perform(self, context: Context, project: Project) -> Result:
        """Deliver, push the id of the verdict, also of one that refuses, and the checks that a person sees.

        Raises:
            GateRefused: If the version is not accepted.
        """
        try:
            verdict = cast("Verdict", super().perform(context, project))
        except GateRefused as refused:
            context["ti"].xcom_push(key=VERDICT_KEY, value=refused.verdict_id)
            raise
        context["ti"].xcom_push(key=VERDICT_KEY, value=verdict.verdict_id)
        lines = [f"- {each.name}: {each.outcome.replace('_', ' ')}, {escaped(each.reason)}" for each in verdict.checks]
        context["ti"].xcom_push(key=CHECKS_KEY, value="\n".join(lines))
        return verdict

    def run(self, workspace: Workspace) -> Result:
        """Call ``deliver``, with a session of its own where the source has another connection."""
        from snowloop.lifecycle.delivery.deliver import deliver
        from snowloop.session import airflow_session

        project = load_project(self.project)
        own = connection_id(project, self.target, self.snowflake_conn_id)
        other = connection_id(project, self.source, None if project.targets.find(self.source) else own)
        with nullcontext(workspace.session) if other == own else closing(airflow_session(other)) as session:
            return deliver(Workspace.open(session, project, self.source), workspace, self.version or None)


class SmokeOperator(SnowparkStageOperator):
    """Ask whether what is deployed in the target works; a failed check fails the task with what to do."""

    def run(self, workspace: Workspace) -> Result:
        """Call ``smoke``."""
        from snowloop.lifecycle.delivery.smoke import smoke

        done = smoke(workspace)
        self.log.info("%s", done.text())
        done.check()
        return done
