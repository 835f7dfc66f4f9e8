"""One run of a task: its condition and its body, in a session of its own."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from local_snowflake.errors import SnowflakeError, timed_out
from local_snowflake.execution.context import Context
from local_snowflake.sessions.handle import Handle
from local_snowflake.sql import queries
from local_snowflake.tasks.graph import Graph, Node, State
from local_snowflake.tasks.runs import RunningTask

if TYPE_CHECKING:
    from local_snowflake.account import Engine

logger = logging.getLogger(__name__)
_USER = "SYSTEM"
_SKIPPED = "0040003", "Conditional expression for task evaluated to false."


def open_session(engine: Engine, graph: Graph, node: Node) -> Handle:
    """A session for a task: its owner's role, its warehouse, its database and schema, its session parameters."""
    from local_snowflake.sessions.statements import set_parameter

    handle = engine.open_session(_USER, graph.database, graph.schema)
    handle.session.role, handle.session.warehouse = node.owner, node.warehouse
    for key, value in node.parameters.items():
        set_parameter(Context(engine, handle), key, value)
    return handle


def condition_holds(engine: Engine, handle: Handle, condition: str) -> bool:
    """Evaluate a WHEN condition in a session; a condition that is NULL does not hold."""
    ctx = Context(engine, handle)
    result = queries.run_query(ctx, ctx.compiler.parse(ctx, f"SELECT ({condition}) AS HOLDS"))
    value = result.table.column(0)[0].as_py()
    return value.strip().lower() in {"true", "t", "yes", "on", "1"} if isinstance(value, str) else bool(value)


def stream_has_data(engine: Engine, graph: Graph) -> bool:
    """Evaluate the condition of a triggered root outside a run.

    A condition that fails counts as true, so that there is a run which tells why.
    """
    root = graph.nodes[graph.root]
    handle = None
    try:
        handle = open_session(engine, graph, root)
        with handle.lock:
            return condition_holds(engine, handle, root.condition or "TRUE")
    except SnowflakeError:
        return True
    finally:
        if handle:
            engine.close_session(handle)


def execute(engine: Engine, task: RunningTask) -> State:
    """Run a task to its end, and note in its record what became of it.

    Args:
        engine: the account.
        task: the run; its session is set while it executes, so that it can be interrupted.

    Returns:
        SUCCEEDED, SKIPPED, FAILED or CANCELLED.
    """
    record, handle = task.record, None
    try:
        handle = open_session(engine, task.run.graph, task.node)
        return _run(engine, task, handle)
    except SnowflakeError as error:
        record.error_code, record.error_message = f"{error.code:06d}", error.message
        if task.timed_out:
            late = timed_out(task.limit)
            record.error_code, record.error_message = f"{late.code:06d}", late.message
        return State.CANCELLED if task.cancelled else State.FAILED
    except Exception as error:
        # a run must end, whatever happens in it
        logger.exception("unexpected failure of task %s", task.name.fqn)
        text = f"SQL execution internal error: {type(error).__name__}: {error}"
        record.error_code, record.error_message = "000603", text
        return State.FAILED
    finally:
        task.session = None
        record.completed_time = datetime.now(UTC)
        if handle:
            engine.close_session(handle)


def _run(engine: Engine, task: RunningTask, handle: Handle) -> State:
    record, condition = task.record, task.node.condition
    with handle.lock:
        handle.session.task = task
        task.session = handle.session
        if condition and not condition_holds(engine, handle, condition):
            record.error_code, record.error_message = _SKIPPED
            record.query_start_time = None
            return State.SKIPPED
        engine.execute(handle, task.node.definition, query_id=record.query_id)
    return State.SUCCEEDED
