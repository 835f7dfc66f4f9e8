"""CREATE, DROP and EXECUTE TASK: https://docs.snowflake.com/en/sql-reference/sql/create-task."""

from __future__ import annotations

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
from local_snowflake.tasks.clauses import Clauses, read_definition
from local_snowflake.tasks.graphs_of_schema import SUSPENDED, Family, fingerprint
from local_snowflake.tasks.history import graph_of
from local_snowflake.tasks.names import family_of, finalize_target, predecessors, with_task
from local_snowflake.tasks.state import suspended, with_version


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
    family = family_of(ctx, name)
    old = family.tasks.get(name.name)
    if old and not (stmt.or_replace or stmt.or_alter):
        if if_not_exists:
            return status(f"{name.name} already exists, statement succeeded.")
        raise already_exists(name.fqn)
    before = old if stmt.or_alter else None
    props = _definition(ctx, name, clauses, family, before.props if before else as_new(TaskProps("", "")))
    comment = clauses.comment or ""
    task = (
        replace(before, props=props, comment=comment)
        if before
        else Object(TASK, name, props, ctx.session.role, comment)
    )
    if old:
        rules.require_suspended(family, name.name)
    extended = with_task(family, task)
    rules.check(extended, task)
    rules.require_suspended(extended, name.name)
    with ctx.ddl() as change:
        change.put(task)
    ctx.engine.scheduler.wake()
    if old and stmt.or_alter:
        return status(f"Task {name.name} successfully altered.")
    return status(f"Task {name.name} successfully created.")


def _definition(ctx: Context, name: Name, clauses: Clauses, family: Family, state: TaskProps) -> TaskProps:
    """The properties of a task that clauses define; its state is that of ``state``."""
    if clauses.warehouse:
        ctx.catalog.need(WAREHOUSE, Name("", "", clauses.warehouse))
    present = Family([*family.tasks.values(), Object(TASK, name, replace(state, predecessors=(), finalize=None))])
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
    found = ctx.catalog.get(TASK, name)
    if found is None:
        if if_exists:
            return status(f"Drop statement executed successfully ({name.name} already dropped).")
        raise does_not_exist("Task", name.fqn)
    family = family_of(ctx, name)
    if not family.is_root(name.name):
        rules.require_suspended(family, name.name)
    with ctx.ddl() as change:
        change.drop(found)
        _sever(change, family, name.name)
    ctx.engine.scheduler.wake()
    return status(f"{name.name} successfully dropped.")


def _sever(change: Change, family: Family, name: str) -> None:
    for child in family.children(name):
        task = family.tasks[child]
        props = replace(task.props, predecessors=tuple(p for p in task.props.predecessors if p != name))
        change.put(replace(task, props=props if props.predecessors else suspended(props, "CHILD_BECAME_ROOT")))
    if last := family.finalizer_of(name):
        task = family.tasks[last]
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
    family = family_of(ctx, name)
    if not family.is_root(name.name):
        raise rules.refusal(f"Task {name.fqn} is not a root task: EXECUTE TASK runs a standalone or a root task.")
    if retry:
        _retry_last(ctx, root, family)
        return status(f"Task {name.name} is scheduled to run immediately.")
    task = with_version(family, root)
    if task is not root:
        with ctx.ddl() as change:
            change.put(task)
    ctx.engine.scheduler.execute(task, config)
    return status(f"Task {name.name} is scheduled to run immediately.")


def _retry_last(ctx: Context, root: Task, family: Family) -> None:
    scheduler = ctx.engine.scheduler
    last = scheduler.history.last_run(root.props.id)
    if last is None or last.state not in {"FAILED", "CANCELLED"}:
        state = last.state if last else "there is none"
        raise rules.refusal(
            f"Cannot retry task {root.name.fqn}: the last run of its graph has to be FAILED or CANCELLED ({state})."
        )
    if fingerprint(graph_of(last)) != fingerprint(family.graph(root.name.name)):
        raise rules.refusal(f"Cannot retry task {root.name.fqn}: its graph was modified since its last run.")
    scheduler.retry(last)
