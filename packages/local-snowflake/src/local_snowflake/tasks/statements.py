"""CREATE, DROP and EXECUTE TASK: https://docs.snowflake.com/en/sql-reference/sql/create-task."""

import uuid
from dataclasses import replace

from local_snowflake.catalog.catalog import Change
from local_snowflake.catalog.objects import TASK, WAREHOUSE, Object, Task, TaskProps
from local_snowflake.errors import already_exists, does_not_exist, not_supported
from local_snowflake.execution.context import Context
from local_snowflake.execution.registry import statement
from local_snowflake.execution.results import Result, status
from local_snowflake.sql.names import Name
from local_snowflake.sql.statement import Statement, skip_head
from local_snowflake.tasks import rules
from local_snowflake.tasks.alter import suspended, with_version
from local_snowflake.tasks.clauses import Clauses, read_definition
from local_snowflake.tasks.graph import SUSPENDED, TaskGraphs, fingerprint, graphs_of
from local_snowflake.tasks.history import graph_of
from local_snowflake.tasks.rules import finalize_target, predecessors
from local_snowflake.tasks.scheduler import Scheduler


def as_new(task: TaskProps) -> TaskProps:
    """A task's definition as that of a new task: suspended, and never run."""
    return replace(
        task,
        id=str(uuid.uuid4()),
        state=SUSPENDED,
        version=0,
        fingerprint="",
        failures=0,
        committed_on=None,
        suspended_on=None,
        suspended_reason=None,
        resumed_on=None,
    )


@statement("CREATE", "TASK")
def create_task(ctx: Context, stmt: Statement) -> Result:
    """CREATE [OR REPLACE | OR ALTER] TASK [IF NOT EXISTS] name clauses AS statement."""
    reader = skip_head(stmt)
    if_not_exists = reader.accept("IF", "NOT", "EXISTS")
    name = ctx.resolve(reader.name_parts())
    if reader.peek() == "CLONE":
        raise not_supported("CREATE TASK … CLONE")
    clauses = read_definition(reader)
    ctx.require_schema(name)
    graphs = graphs_of(ctx.catalog, name)
    old = graphs.tasks.get(name.name)
    if old and not (stmt.or_replace or stmt.or_alter):
        if if_not_exists:
            return status(f"{name.name} already exists, statement succeeded.")
        raise already_exists(name.fqn)
    before = old if stmt.or_alter else None
    props = _definition(ctx, name, clauses, graphs, before.props if before else as_new(TaskProps("", "")))
    comment = clauses.comment or ""
    task = (
        replace(before, props=props, comment=comment)
        if before
        else Object(TASK, name, props, ctx.session.role, comment)
    )
    if old:
        rules.require_suspended(graphs, name.name)
    extended = graphs.with_task(task)
    rules.check(extended, task)
    rules.require_suspended(extended, name.name)
    with ctx.ddl() as change:
        change.put(task)
    ctx.services.get(Scheduler).wake()
    if old and stmt.or_alter:
        return status(f"Task {name.name} successfully altered.")
    return status(f"Task {name.name} successfully created.")


def _definition(ctx: Context, name: Name, clauses: Clauses, graphs: TaskGraphs, state: TaskProps) -> TaskProps:
    """The properties of a task that clauses define; its state is that of ``state``."""
    if clauses.warehouse:
        ctx.catalog.need(WAREHOUSE, Name("", "", clauses.warehouse))
    present = TaskGraphs([*graphs.tasks.values(), Object(TASK, name, replace(state, predecessors=(), finalize=None))])
    return replace(
        state,
        definition=clauses.definition,
        condition=clauses.condition,
        schedule=clauses.schedule,
        warehouse=clauses.warehouse,
        predecessors=tuple(predecessors(ctx, name, clauses.after, present)),
        finalize=finalize_target(ctx, name, clauses.finalize, present),
        settings=clauses.settings,
        parameters=clauses.parameters,
    )


@statement("DROP", "TASK")
def drop_task(ctx: Context, stmt: Statement) -> Result:
    """DROP TASK [IF EXISTS] name: its children and its finalizer become suspended roots."""
    reader = skip_head(stmt)
    if_exists = reader.accept("IF", "EXISTS")
    name = ctx.resolve(reader.name_parts())
    reader.finish()
    task = ctx.catalog.get(TASK, name)
    if task is None:
        if if_exists:
            return status(f"Drop statement executed successfully ({name.name} already dropped).")
        raise does_not_exist("Task", name.fqn)
    graphs = graphs_of(ctx.catalog, name)
    if not graphs.is_root(name.name):
        rules.require_suspended(graphs, name.name)
    with ctx.ddl() as change:
        change.drop(task)
        _sever(change, graphs, name.name)
    ctx.services.get(Scheduler).wake()
    return status(f"{name.name} successfully dropped.")


def _sever(change: Change, graphs: TaskGraphs, name: str) -> None:
    for child in graphs.children(name):
        task = graphs.tasks[child]
        props = replace(task.props, predecessors=tuple(p for p in task.props.predecessors if p != name))
        change.put(replace(task, props=props if props.predecessors else suspended(props, "CHILD_BECAME_ROOT")))
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
    graphs = graphs_of(ctx.catalog, name)
    if not graphs.is_root(name.name):
        raise rules.refusal(f"Task {name.fqn} is not a root task: EXECUTE TASK runs a standalone or a root task.")
    if retry:
        _retry_last(ctx, root, graphs)
        return status(f"Task {name.name} is scheduled to run immediately.")
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
    if fingerprint(graph_of(last)) != fingerprint(graphs.graph(root.name.name)):
        raise rules.refusal(f"Cannot retry task {root.name.fqn}: its graph was modified since its last run.")
    scheduler.retry(last)
