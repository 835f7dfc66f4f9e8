"""CREATE, DROP and EXECUTE TASK: https://docs.snowflake.com/en/sql-reference/sql/create-task."""

import uuid
from dataclasses import replace
from functools import partial

from local_snowflake.catalog.catalog import Change
from local_snowflake.catalog.objects import TASK, WAREHOUSE, Object, Task, TaskProps
from local_snowflake.errors import not_supported
from local_snowflake.execution.context import Context
from local_snowflake.execution.objects import drop, exists_already, read_target
from local_snowflake.execution.registry import statement
from local_snowflake.execution.results import Result, status
from local_snowflake.sql.names import Name
from local_snowflake.sql.statement import Statement, skip_head
from local_snowflake.tasks import rules
from local_snowflake.tasks.alter import put_changed, suspended, with_version, without_predecessors
from local_snowflake.tasks.clauses import Clauses, read_definition
from local_snowflake.tasks.graph import GRAPHS, TaskGraphs, fingerprint, graphs_of
from local_snowflake.tasks.rules import finalize_target, predecessors
from local_snowflake.tasks.scheduler import Scheduler

_CLAUSES = ("definition", "condition", "schedule", "warehouse", "settings", "parameters")
# what statements define of a task; the rest is its state
_DEFINED = (*_CLAUSES, "predecessors", "finalize")


def as_new(task: TaskProps) -> TaskProps:
    """A task's definition as that of a new task: suspended, and never run."""
    return TaskProps(str(uuid.uuid4()), **{name: getattr(task, name) for name in _DEFINED})


@statement("CREATE", "TASK")
def create_task(ctx: Context, stmt: Statement) -> Result:
    """CREATE [OR REPLACE | OR ALTER] TASK [IF NOT EXISTS] name clauses AS statement."""
    reader, name, if_not_exists = read_target(ctx, stmt)
    if reader.peek() == "CLONE":
        raise not_supported("CREATE TASK … CLONE")
    clauses = read_definition(reader)
    ctx.require_schema(name)
    graphs = graphs_of(ctx.services.catalog, name)
    old = graphs.tasks.get(name.name)
    if old and not (stmt.or_replace or stmt.or_alter):
        return exists_already(TASK, name, if_not_exists=if_not_exists)
    before = old if stmt.or_alter else None
    props = _definition(ctx, name, clauses, graphs, before.props if before else as_new(TaskProps("", "")))
    task = before or Object(TASK, name, props, ctx.session.role)
    put_changed(ctx, graphs, replace(task, props=props, comment=clauses.comment or ""))
    return status(f"Task {name.name} successfully {'altered' if before else 'created'}.")


def _definition(ctx: Context, name: Name, clauses: Clauses, graphs: TaskGraphs, state: TaskProps) -> TaskProps:
    """The properties of a task that clauses define; its state is that of ``state``."""
    if clauses.warehouse:
        ctx.rights.require(ctx.catalog.need(WAREHOUSE, Name("", "", clauses.warehouse)), "USAGE")
    present = TaskGraphs([*graphs.tasks.values(), _alone(ctx, name, state)])
    return replace(
        state,
        **{key: getattr(clauses, key) for key in _CLAUSES},
        predecessors=tuple(predecessors(ctx, name, clauses.after, present)),
        finalize=finalize_target(ctx, name, clauses.finalize, present),
    )


def _alone(ctx: Context, name: Name, state: TaskProps) -> Task:
    return Object(TASK, name, replace(state, predecessors=(), finalize=None), ctx.session.role)


@statement("DROP", "TASK")
def drop_task(ctx: Context, stmt: Statement) -> Result:
    """DROP TASK [IF EXISTS] name: its children and its finalizer become suspended roots."""
    wake = ctx.services.get(Scheduler).wake
    return drop(ctx, stmt, TASK, partial(_remove, ctx), check=partial(_check_drop, ctx), after=lambda _: wake())


def _check_drop(ctx: Context, task: Task) -> None:
    graphs, name = graphs_of(ctx.services.catalog, task.name), task.name.name
    if not graphs.is_root(name):
        rules.require_suspended(graphs, name)


def _remove(ctx: Context, change: Change, dropped: Task) -> None:
    graphs, name = graphs_of(ctx.services.catalog, dropped.name), dropped.name.name
    change.drop(dropped)
    for child in graphs.children(name):
        change.put(without_predecessors(graphs.tasks[child], {name}))
    if last := graphs.finalizer_of(name):
        task = graphs.tasks[last]
        change.put(replace(task, props=suspended(replace(task.props, finalize=None), "FINALIZER_BECAME_ROOT")))


@statement("EXECUTE", "TASK")
def execute_task(ctx: Context, stmt: Statement) -> Result:
    """EXECUTE TASK name [USING CONFIG = 'json' | RETRY LAST]."""
    reader = skip_head(stmt)
    name = ctx.resolve(reader.name_parts())
    config = None
    if reader.accept("USING", "CONFIG"):
        reader.expect("=")
        config = reader.string()
        rules.check_config(config)
    retry = reader.accept("RETRY", "LAST")
    reader.finish()
    root = ctx.catalog.need(TASK, name)
    ctx.rights.require(root, "OPERATE")
    ctx.rights.check_task(root.owner, root.props.warehouse)
    graphs = graphs_of(ctx.services.catalog, name)
    if not graphs.is_root(name.name):
        raise rules.refusal(f"Task {name.fqn} is not a root task: EXECUTE TASK runs a standalone or a root task.")
    if retry:
        _retry_last(ctx, root, graphs)
    else:
        task = with_version(graphs, root)
        if task is not root:
            with ctx.ddl() as change:
                change.put(task)
        ctx.services.get(Scheduler).execute(task, config)
    return status(f"Task {name.name} is scheduled to run immediately.")


def _retry_last(ctx: Context, root: Task, graphs: TaskGraphs) -> None:
    scheduler = ctx.services.get(Scheduler)
    last = scheduler.history.last_run(root.props.id)
    if last is None or last.state not in {"FAILED", "CANCELLED"}:
        state = last.state if last else "there is none"
        raise rules.refusal(
            f"Cannot retry task {root.name.fqn}: the last run of its graph has to be FAILED or CANCELLED ({state})."
        )
    if fingerprint(GRAPHS.validate_json(last.graph)) != fingerprint(graphs.graph(root.name.name)):
        raise rules.refusal(f"Cannot retry task {root.name.fqn}: its graph was modified since its last run.")
    scheduler.retry(last)
