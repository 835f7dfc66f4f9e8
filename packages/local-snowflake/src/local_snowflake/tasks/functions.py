"""What a running task can ask and return: SYSTEM$SET_RETURN_VALUE and its kin."""

import json
from datetime import UTC, datetime
from typing import Any

from local_snowflake.catalog.objects import TASK
from local_snowflake.errors import compilation_error
from local_snowflake.execution.context import Context
from local_snowflake.execution.registry import SYSTEM_FUNCTIONS, statement, system_function
from local_snowflake.execution.results import Result, rows
from local_snowflake.sql import queries
from local_snowflake.sql.names import split_parts
from local_snowflake.sql.statement import Statement, skip_head
from local_snowflake.tasks.alter import resume
from local_snowflake.tasks.graph import graphs_of
from local_snowflake.tasks.rules import refusal
from local_snowflake.tasks.runs import RunningTask
from local_snowflake.tasks.scheduler import Scheduler

_CALLED = ("SYSTEM$SET_RETURN_VALUE", "SYSTEM$TASK_DEPENDENTS_ENABLE")


def _running(ctx: Context, function: str) -> RunningTask:
    task = ctx.session.task
    if not isinstance(task, RunningTask):
        raise refusal(f"Function {function} can only be called from a task: no task runs in this session.", 90_239)
    return task


@statement("CALL", *_CALLED)
def call_system_function(ctx: Context, stmt: Statement) -> Result:
    """CALL SYSTEM$…(constant expressions): the arguments are evaluated first."""
    reader = skip_head(stmt)
    text = reader.parenthesised()
    reader.finish()
    arguments: list[Any] = []
    if text.strip():
        result = queries.run_query(ctx, ctx.compiler.parse(ctx, f"SELECT {text}"))
        arguments = [result.value(column) for column in range(result.table.num_columns)]
    value = SYSTEM_FUNCTIONS[stmt.kind](ctx, *arguments)
    return rows([{stmt.kind: str(value)}], {stmt.kind: None})


@system_function("SYSTEM$SET_RETURN_VALUE", effective="VARCHAR")
def set_return_value(ctx: Context, value: object) -> str:
    """SYSTEM$SET_RETURN_VALUE('text'): what the tasks after this one may read."""
    task = _running(ctx, "SYSTEM$SET_RETURN_VALUE")
    task.record.return_value = str(value)
    return "TRUE"


@system_function("SYSTEM$GET_PREDECESSOR_RETURN_VALUE")
def get_predecessor_return_value(ctx: Context, name: str | None = None) -> str | None:
    """SYSTEM$GET_PREDECESSOR_RETURN_VALUE(['NAME']): the name is case-sensitive, and needed if there are several."""
    task = _running(ctx, "SYSTEM$GET_PREDECESSOR_RETURN_VALUE")
    above = task.node.predecessors
    if name is None and len(above) != 1:
        raise refusal(f"Task {task.name.fqn} has {len(above)} predecessors: name the one whose return value to read.")
    name = above[0] if name is None else name
    if name not in above:
        raise refusal(f"Task {name} is not a predecessor of task {task.name.fqn}: {', '.join(above) or 'it has none'}.")
    return task.run.values.get(name)


@system_function("SYSTEM$GET_TASK_GRAPH_CONFIG")
def get_task_graph_config(ctx: Context, path: str | None = None) -> str | None:
    """SYSTEM$GET_TASK_GRAPH_CONFIG(['path']): the graph's configuration, or one field of it."""
    task = _running(ctx, "SYSTEM$GET_TASK_GRAPH_CONFIG")
    config = task.run.record.config
    if config is None or path is None:
        return config
    value: Any = json.loads(config)
    for key in path.split("."):
        value = value.get(key) if isinstance(value, dict) else None
    return value if value is None or isinstance(value, str) else json.dumps(value)


@system_function("SYSTEM$CURRENT_USER_TASK_NAME")
def current_user_task_name(ctx: Context) -> str | None:
    """SYSTEM$CURRENT_USER_TASK_NAME(): the name of the running task; NULL outside of one."""
    task = ctx.session.task
    return str(task.name.fqn) if isinstance(task, RunningTask) else None


@system_function("SYSTEM$TASK_RUNTIME_INFO")
def task_runtime_info(ctx: Context, what: str) -> str | None:
    """SYSTEM$TASK_RUNTIME_INFO('what'): https://docs.snowflake.com/en/sql-reference/functions/system_task_runtime_info."""
    task = _running(ctx, "SYSTEM$TASK_RUNTIME_INFO")
    graph = task.run.record
    last = ctx.services.get(Scheduler).history.last_run(graph.root_id, "SUCCEEDED")
    values = {
        "CURRENT_TASK_NAME": task.node.name,
        "CURRENT_ROOT_TASK_NAME": graph.name,
        "CURRENT_ROOT_TASK_UUID": graph.root_id,
        "CURRENT_TASK_GRAPH_RUN_GROUP_ID": str(graph.group_id),
        "CURRENT_TASK_GRAPH_ORIGINAL_SCHEDULED_TIMESTAMP": _stamp(graph.run_id / 1000),
        "LAST_SUCCESSFUL_TASK_GRAPH_RUN_GROUP_ID": str(last.group_id) if last else None,
        "LAST_SUCCESSFUL_TASK_GRAPH_ORIGINAL_SCHEDULED_TIMESTAMP": _stamp(last.run_id / 1000) if last else None,
    }
    if what.upper() not in values:
        listed = ", ".join(values)
        raise compilation_error(f"invalid argument [{what}] of SYSTEM$TASK_RUNTIME_INFO: one of {listed}.", 1008)
    return values[what.upper()]


def _stamp(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3] + "Z"


@system_function("SYSTEM$USER_TASK_CANCEL_ONGOING_EXECUTIONS", effective="VARCHAR")
def cancel_ongoing_executions(ctx: Context, name: str) -> str:
    """SYSTEM$USER_TASK_CANCEL_ONGOING_EXECUTIONS('task').

    https://docs.snowflake.com/en/sql-reference/functions/system_user_task_cancel_ongoing_executions
    """
    task = ctx.catalog.need(TASK, ctx.resolve(split_parts(name)))
    ctx.rights.require(task, "OPERATE")
    running = ctx.services.get(Scheduler).running(task.name)
    for each in running:
        each.cancel()
    ctx.services.get(Scheduler).wake()
    return f"{len(running)} executions of task {task.name.fqn} cancelled."


@system_function("SYSTEM$TASK_DEPENDENTS_ENABLE", effective="VARCHAR")
def task_dependents_enable(ctx: Context, name: str) -> str:
    """SYSTEM$TASK_DEPENDENTS_ENABLE('root'): resume a root, its children and its finalizer."""
    full = ctx.resolve(split_parts(name))
    ctx.catalog.need(TASK, full)
    graphs = graphs_of(ctx.services.catalog, full)
    last = graphs.finalizer_of(full.name)
    names = [*graphs.descendants(full.name), *([last] if last else []), full.name]
    resume(ctx, [graphs.tasks[n] for n in names])
    return "true"
