"""The base of the stages' operators: a tagged Snowpark session, one call, its figures, and failures in words."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from pkgutil import resolve_name
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

from airflow.sdk import Asset, BaseOperator
from airflow.sdk.exceptions import AirflowFailException

from snowloop.airflow import REASON_KEY, SUMMARY_KEY
from snowloop.airflow.arguments import TemplatedArguments
from snowloop.airflow.assets import Kind, asset_alias
from snowloop.airflow.connections import connection_id
from snowloop.airflow.failures import is_connection_error, reason_of
from snowloop.airflow.links import SnowsightLink, watched_queries
from snowloop.figures import format_figures
from snowloop.project import Project, load_project
from snowloop.timeouts import Timeouts
from snowloop.workspace import Workspace

if TYPE_CHECKING:
    from airflow.sdk import Context
    from snowflake.snowpark import Session

    from snowloop.lifecycle.results import Result

TARGET_TEMPLATE = "{{ params.target }}"


def query_tag(context: Context) -> dict[str, str]:
    """The query tag of a task: the ids of DAG, task and run."""
    task = context["ti"]
    return {"dag_id": task.dag_id, "task_id": task.task_id, "run_id": task.run_id}


class SnowparkStageOperator(TemplatedArguments, BaseOperator):
    """Run one stage of a project's life cycle, in a Snowpark session of an Airflow connection.

    A stage is a lifecycle function of a workspace: ``stage`` names it, or ``run`` calls it with more arguments.
    Connection errors are retried; every other failure is final, with its reason as the error.

    Args:
        project: Name of the declared project.
        target: Environment to work on (templated; the DAG's parameter by default).
        snowflake_conn_id: Airflow connection to Snowflake; None: that of the target in targets.yaml, or
            snowflake_default.
        retries: How often a lost connection is tried again.
        retry_delay: Pause before that.
        execution_timeout: How long it may run; by default as ``snowloop.timeouts`` declares.
    """

    stage = ""
    """The function, as ``module:name`` below ``snowloop.lifecycle``: imported only when the task runs."""
    changes: ClassVar[Kind | None] = None
    """The kind of asset that the stage changes, which ``event`` names; None: none."""
    reads: ClassVar[tuple[Kind, ...]] = ()
    """The kinds of assets that it reads."""

    template_fields: Sequence[str] = ("project", "target")
    ui_color = "#e8f4fb"
    operator_extra_links = (SnowsightLink(),)
    query_url = ""
    query_tag: Mapping[str, str] = MappingProxyType({})
    _session: Session | None = None
    _event: tuple[Asset, dict[str, Any]] | None = None

    def __init__(
        self,
        *,
        project: str,
        target: str = TARGET_TEMPLATE,
        snowflake_conn_id: str | None = None,
        retries: int | None = 2,
        retry_delay: timedelta | float = timedelta(seconds=5),
        execution_timeout: timedelta | None = None,
        **kwargs: Any,
    ) -> None:
        execution_timeout = execution_timeout or timedelta(seconds=Timeouts.declared().task)
        if self.changes:
            kwargs.setdefault("outlets", [asset_alias(project, self.changes)])
        if self.reads:
            kwargs.setdefault("inlets", [asset_alias(project, kind) for kind in self.reads])
        super().__init__(retries=retries, retry_delay=retry_delay, execution_timeout=execution_timeout, **kwargs)
        self.project = project
        self.target = target
        self.snowflake_conn_id = snowflake_conn_id

    @property
    def function(self) -> Callable[..., Result]:
        """The stage's lifecycle function."""
        function: Callable[..., Result] = resolve_name(f"snowloop.lifecycle.{self.stage}")
        return function

    def run(self, workspace: Workspace) -> Result:
        """Call the stage's lifecycle function."""
        return self.function(workspace)

    def event(self, workspace: Workspace, result: Result) -> tuple[Asset, dict[str, Any]] | None:
        """The asset that the stage has changed, and what an event says of it; None if nothing was changed."""
        return None

    def execute(self, context: Context) -> dict[str, Any]:
        """Run the stage, push its figures, and give its result to later tasks as JSON-able fields.

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

    def conclude(self, context: Context, result: Result) -> dict[str, Any]:
        """Push the figures of a result, and give it to later tasks as JSON-able fields."""
        figures = result.summary()
        self.log.info("%s: %s", self.task_id, format_figures(figures))
        context["ti"].xcom_push(key=SUMMARY_KEY, value=figures)
        if self.changes and self._event is not None:
            asset, extra = self._event
            context["outlet_events"][asset_alias(self.project, self.changes)].add(asset, extra)
        return result.to_dict()

    def perform(self, context: Context, project: Project) -> Result:
        """Open a session that is tagged with the task, run the stage in it, and close it whatever happens."""
        from snowloop.session import airflow_session

        session = airflow_session(connection_id(project, self.target, self.snowflake_conn_id))
        self._session = session
        try:
            self.query_tag = query_tag(context)
            session.update_query_tag(self.query_tag)
            with watched_queries(session) as url:
                try:
                    workspace = Workspace.open(session, project, self.target)
                    result = self.run(workspace)
                    self._event = self.event(workspace, result)
                    return result
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
