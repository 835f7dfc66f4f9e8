"""The base of the stages' operators: a tagged Snowpark session, one call, its figures, and failures in words."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from datetime import timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Protocol

from airflow.sdk import BaseOperator
from airflow.sdk.exceptions import AirflowFailException

from snowloop.airflow import REASON_KEY, SUMMARY_KEY
from snowloop.airflow.failures import is_connection_error, reason_of
from snowloop.airflow.links import SnowsightLink, watched_queries
from snowloop.figures import format_figures
from snowloop.project import Project, load_project
from snowloop.workspace import Workspace

if TYPE_CHECKING:
    from airflow.sdk import Context
    from snowflake.snowpark import Session

TARGET_TEMPLATE = "{{ params.target }}"


def query_tag(context: Context) -> dict[str, str]:
    """The query tag of a task.

    Returns:
        The ids of DAG, task and run.
    """
    task = context["ti"]
    return {"dag_id": task.dag_id, "task_id": task.task_id, "run_id": task.run_id}


class StageResult(Protocol):
    """What every lifecycle function returns."""

    def summary(self) -> dict[str, Any]:
        """Give the figures of one progress line."""

    def to_dict(self) -> dict[str, Any]:
        """Give every field, ready for JSON."""


class StageOperator(BaseOperator):
    """Run one stage of a project's life cycle.

    Connection errors are retried; every other failure is final, with its reason as the error.

    Args:
        project: Name of the declared project.
        target: Environment to work on (templated; the DAG's parameter by default).
        snowflake_conn_id: Airflow connection to Snowflake.
        retries: How often a lost connection is tried again.
        retry_delay: Pause before that.
    """

    template_fields: Sequence[str] = ("project", "target")
    ui_color = "#e8f4fb"

    def __init__(
        self,
        *,
        project: str,
        target: str = TARGET_TEMPLATE,
        snowflake_conn_id: str = "snowflake_default",
        retries: int | None = 2,
        retry_delay: timedelta | float = timedelta(seconds=5),
        **kwargs: Any,
    ) -> None:
        super().__init__(retries=retries, retry_delay=retry_delay, **kwargs)
        self.project = project
        self.target = target
        self.snowflake_conn_id = snowflake_conn_id

    @abstractmethod
    def perform(self, context: Context, project: Project) -> StageResult:
        """Do the stage's work.

        Returns:
            The stage's result.
        """

    def execute(self, context: Context) -> dict[str, Any]:
        """Run the stage, push its figures and give its result to later tasks.

        Returns:
            The result as JSON-able fields.

        Raises:
            AirflowFailException: If the stage refuses or fails for a reason that a retry cannot cure.
            Exception: The connection's own error, which Airflow retries.
        """
        try:
            result = self.perform(context, load_project(self.project))
        except Exception as error:
            context["ti"].xcom_push(key=REASON_KEY, value=reason_of(error))
            if is_connection_error(error):
                raise
            raise AirflowFailException(reason_of(error)) from error
        return self.conclude(context, result)

    def conclude(self, context: Context, result: StageResult) -> dict[str, Any]:
        """Push the figures of a result and give it to later tasks.

        Args:
            result: What the stage gave.

        Returns:
            The result as JSON-able fields.
        """
        figures = result.summary()
        self.log.info("%s: %s", self.task_id, format_figures(figures))
        context["ti"].xcom_push(key=SUMMARY_KEY, value=figures)
        return result.to_dict()


class SnowparkStageOperator(StageOperator):
    """Run one lifecycle function for a project, in a Snowpark session of an Airflow connection."""

    operator_extra_links = (SnowsightLink(),)
    query_url = ""
    query_tag: Mapping[str, str] = MappingProxyType({})
    _session: Session | None = None

    @abstractmethod
    def run(self, workspace: Workspace) -> StageResult:
        """Call the stage's lifecycle function.

        Returns:
            The stage's result.
        """

    def perform(self, context: Context, project: Project) -> StageResult:
        """Open a session, run the stage in it, and close it whatever happens.

        Args:
            context: Airflow's context of this task, from which the query tag is made.

        Returns:
            The stage's result.
        """
        from airflow.providers.snowflake.hooks.snowflake import SnowflakeHook

        session = SnowflakeHook(snowflake_conn_id=self.snowflake_conn_id).get_snowpark_session()
        self._session = session
        try:
            self.query_tag = query_tag(context)
            session.update_query_tag(self.query_tag)
            with watched_queries(session) as url:
                try:
                    return self.run(Workspace(session, project, self.target))
                finally:
                    self.query_url = url()
        finally:
            self._session = None
            self._close(session)

    def _close(self, session: Session) -> None:
        try:
            session.close()
        except Exception as error:  # noqa: BLE001 - the result of the stage, or its failure, matters more
            self.log.warning("the session could not be closed and will time out by itself: %s", error)

    def on_kill(self) -> None:
        """Cancel what the session still runs when Airflow stops the task."""
        if self._session is not None:
            self._session.cancel_all()
