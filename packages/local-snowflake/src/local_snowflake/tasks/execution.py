"""One run of a task: its condition and its body, in a session of its own."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from local_snowflake.errors import SnowflakeError, internal_error, log_failure, timed_out
from local_snowflake.execution.context import Context
from local_snowflake.sessions.parameters import set_parameter
from local_snowflake.sessions.registry import SessionRegistry
from local_snowflake.sessions.token import SessionToken
from local_snowflake.sql.queries import evaluate
from local_snowflake.tasks.graph import Graph, Node
from local_snowflake.tasks.runs import RunningTask, State

logger = logging.getLogger(__name__)
_USER = "SYSTEM"
_SKIPPED = "0040003", "Conditional expression for task evaluated to false."


class TaskExecutor:
    """Runs tasks and evaluates their conditions."""

    def __init__(self, sessions: SessionRegistry, new_context: Callable[[SessionToken], Context]) -> None:
        self._sessions = sessions
        self._new_context = new_context

    @contextmanager
    def _session(self, graph: Graph, node: Node) -> Iterator[Context]:
        """A session for a task: its owner's role, its warehouse, its database and schema, its session parameters."""
        token = self._sessions.open(_USER, graph.database, graph.schema)
        try:
            with token.lock:
                token.session.role, token.session.warehouse = node.owner, node.warehouse
                # and none of the roles of whoever made or started it
                token.session.has_owners_rights = True
                for key, value in node.parameters.items():
                    set_parameter(token.session, key, value)
                yield self._new_context(token)
        finally:
            self._sessions.close(token)

    def stream_has_data(self, graph: Graph) -> bool:
        """Evaluate the condition of a triggered root outside a run.

        A condition that fails counts as true, so that there is a run which reports why.
        """
        root = graph.nodes[graph.root]
        try:
            with self._session(graph, root) as ctx:
                return _holds(ctx, root.condition or "TRUE")
        except SnowflakeError:
            return True

    def execute(self, task: RunningTask) -> State:
        """Run a task to its end, and note in its record what became of it: SUCCEEDED, SKIPPED, FAILED or CANCELLED.

        Its session is set while it executes, so that it can be interrupted.
        """
        record = task.record
        try:
            with self._session(task.run.graph, task.node) as ctx:
                return _run(ctx, task)
        except SnowflakeError as error:
            cause = timed_out(task.limit) if task.timed_out else error
            record.error_code, record.error_message = f"{cause.code:06d}", cause.message
            return State.CANCELLED if task.cancelled else State.FAILED
        except Exception as error:  # noqa: BLE001 (it is logged, and answered)
            # a run must end, whatever happens in it
            log_failure(logger, f"unexpected failure of task {task.name.fqn}", error)
            record.error_code, record.error_message = "000603", internal_error(task.name.fqn).message
            return State.FAILED
        finally:
            record.completed_time = datetime.now(UTC)


def _run(ctx: Context, task: RunningTask) -> State:
    record, condition = task.record, task.node.condition
    ctx.session.task = task
    task.session = ctx.session
    try:
        ctx.rights.check_task(task.node.owner, task.node.warehouse)
        if condition and not _holds(ctx, condition):
            record.error_code, record.error_message = _SKIPPED
            record.query_start_time = None
            return State.SKIPPED
        ctx.services.run(ctx.token, task.node.definition, query_id=record.query_id)
        return State.SUCCEEDED
    finally:
        task.session = None


def _holds(ctx: Context, condition: str) -> bool:
    """Evaluate a WHEN condition; a condition that is NULL does not hold."""
    value = evaluate(ctx, condition)
    return value.strip().lower() in {"true", "t", "yes", "on", "1"} if isinstance(value, str) else bool(value)
