"""ALTER TASK, RESUME and SUSPEND among it; and the version that a graph gets when its root is resumed or executed.

Source: https://docs.snowflake.com/en/sql-reference/sql/alter-task
"""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from local_snowflake.catalog.objects import TASK, WAREHOUSE, Task, TaskProps
from local_snowflake.execution.context import Context
from local_snowflake.execution.objects import read_existing
from local_snowflake.execution.registry import statement
from local_snowflake.execution.results import Result, status
from local_snowflake.sql.names import Name
from local_snowflake.sql.statement import Reader, Statement
from local_snowflake.tasks import rules
from local_snowflake.tasks.clauses import read_names, read_settings
from local_snowflake.tasks.graph import STARTED, SUSPENDED, TaskGraphs, fingerprint, graphs_of
from local_snowflake.tasks.rules import finalize_target, predecessors, written
from local_snowflake.tasks.scheduler import Scheduler


@statement("ALTER", "TASK")
def alter_task(ctx: Context, stmt: Statement) -> Result:
    """ALTER TASK [IF EXISTS] name RESUME | SUSPEND | SET … | UNSET … | MODIFY … | ADD AFTER … | REMOVE …."""
    reader, old = read_existing(ctx, stmt, TASK)
    if old is None:
        return status()
    action = reader.accept_any("RESUME", "SUSPEND")
    if action is None:
        task = _read_change(ctx, old, reader)
        put_changed(ctx, graphs_of(ctx.services.catalog, old.name), task)
    else:
        reader.finish()
        ctx.rights.require(old, "OPERATE")
        resume(ctx, [old]) if action == "RESUME" else suspend(ctx, old)
    return status()


def put_changed(ctx: Context, graphs: TaskGraphs, task: Task) -> None:
    """Write a new or changed task, if its graphs are suspended and stay as they have to be.

    Raises:
        SnowflakeError: with the rule that the task breaks.
    """
    name = task.name.name
    if name in graphs.tasks:
        rules.require_suspended(graphs, name)
    extended = TaskGraphs((graphs.tasks | {name: task}).values())
    rules.check(extended, task)
    rules.require_suspended(extended, name)
    with ctx.ddl() as change:
        change.put(task)
    ctx.services.get(Scheduler).wake()


def _read_change(ctx: Context, task: Task, reader: Reader) -> Task:
    """Read what is to change of a task; returns it changed."""
    props, graphs = task.props, graphs_of(ctx.services.catalog, task.name)
    if reader.accept("MODIFY", "AS"):
        return replace(task, props=replace(props, definition=reader.rest().strip()))
    if reader.accept("MODIFY", "WHEN"):
        return replace(task, props=replace(props, condition=reader.rest().strip()))
    if reader.accept("REMOVE", "WHEN"):
        task = replace(task, props=replace(props, condition=None))
    elif reader.accept("ADD", "AFTER"):
        added = predecessors(ctx, task.name, read_names(reader), graphs)
        if graphs.finalizer_of(task.name.name):
            raise rules.refusal(
                "This task has a finalizer and cannot be made a child task. Please remove the finalizer before "
                "adding a predecessor."
            )
        task = replace(task, props=replace(props, predecessors=tuple(sorted({*props.predecessors, *added}))))
    elif reader.accept("REMOVE", "AFTER"):
        task = _remove_predecessors(ctx, task, read_names(reader), graphs)
    elif reader.accept("SET"):
        task = _set(ctx, task, reader, graphs)
    elif reader.accept("UNSET"):
        task = _unset(task, reader)
    else:
        raise reader.unexpected("RESUME, SUSPEND, SET, UNSET, MODIFY, ADD AFTER or REMOVE")
    reader.finish()
    return task


def _remove_predecessors(ctx: Context, task: Task, names: list[list[str]], graphs: TaskGraphs) -> Task:
    """Take the predecessors away that a statement names."""
    for parts in reversed(names):
        full = rules.full_name(ctx, task.name, parts)
        if full.name not in task.props.predecessors or full[:2] != task.name[:2]:
            if full.name in graphs.tasks or ctx.catalog.get(TASK, full):
                raise rules.refusal(f"Task {task.name.name} does not have predecessor {full.name}.")
            raise rules.refusal(f"Invalid predecessor {written(parts)} was specified.")
    return without_predecessors(task, {parts[-1] for parts in names})


def without_predecessors(task: Task, gone: set[str]) -> Task:
    """A task without some of its predecessors; one that has none left becomes a suspended root."""
    props = replace(task.props, predecessors=tuple(p for p in task.props.predecessors if p not in gone))
    return replace(task, props=props if props.predecessors else suspended(props, "CHILD_BECAME_ROOT"))


def _set(ctx: Context, task: Task, reader: Reader, graphs: TaskGraphs) -> Task:
    clauses, props = read_settings(reader), task.props
    if clauses.warehouse:
        ctx.rights.require(ctx.catalog.need(WAREHOUSE, Name("", "", clauses.warehouse)), "USAGE")
    finalize = finalize_target(ctx, task.name, clauses.finalize, graphs)
    given = {"warehouse": clauses.warehouse or None, "schedule": clauses.schedule, "finalize": finalize}
    changed: dict[str, Any] = {key: value for key, value in given.items() if value is not None}
    changed["settings"] = props.settings | clauses.settings
    changed["parameters"] = props.parameters | clauses.parameters
    comment = task.comment if clauses.comment is None else clauses.comment
    return replace(task, props=replace(props, **changed), comment=comment)


def _unset(task: Task, reader: Reader) -> Task:
    props, comment = task.props, task.comment
    settings, parameters = dict(props.settings), dict(props.parameters)
    while not reader.done:
        key = reader.identifier()
        if key in {"WAREHOUSE", "SCHEDULE"}:
            props = replace(props, warehouse=None) if key == "WAREHOUSE" else replace(props, schedule=None)
        elif key == "COMMENT":
            comment = ""
        elif key == "FINALIZE":
            props = suspended(replace(props, finalize=None), "FINALIZER_BECAME_ROOT")
        else:
            settings.pop(key, None)
            parameters.pop(key, None)
        reader.accept(",")
    return replace(task, props=replace(props, settings=settings, parameters=parameters), comment=comment)


def resume(ctx: Context, tasks: list[Task]) -> None:
    """Start tasks: roots get a version of their graph, children a place in the next one."""
    graphs = graphs_of(ctx.services.catalog, tasks[0].name)
    resumed = {t.name.name: t for t in tasks if t.props.state != STARTED}
    names = {t.name.name for t in tasks}
    for task in tasks:
        ctx.rights.check_task(task.owner, task.props.warehouse)
    for name in resumed:
        if not graphs.roots_of(name) <= names:
            rules.require_suspended(graphs, name)
    now = datetime.now(UTC)
    for name, task in resumed.items():
        resumed[name] = replace(task, props=replace(task.props, state=STARTED, resumed_on=now, failures=0))
    roots = {n: graphs.tasks[n] for n in names if graphs.is_root(n)} | resumed
    after = TaskGraphs((graphs.tasks | roots).values())
    versioned = {n: with_version(after, t) if after.is_root(n) else t for n, t in roots.items()}
    with ctx.ddl() as change:
        for name, task in versioned.items():
            if task is not graphs.tasks.get(name):
                change.put(task)
    ctx.services.get(Scheduler).wake()


def with_version(graphs: TaskGraphs, root: Task) -> Task:
    """The root of a graph, with a new version if the graph is another than before; the same object if it is not.

    Raises:
        SnowflakeError: if one of its tasks belongs to another graph, too.
    """
    for name in graphs.descendants(root.name.name):
        if others := graphs.roots_of(name) - {root.name.name}:
            raise rules.refusal(
                f"Task {graphs.tasks[name].name.fqn} has more than one root task: also {sorted(others)[0]}."
            )
    current = fingerprint(graphs.graph(root.name.name))
    if root.props.fingerprint == current:
        return root
    version, now = root.props.version + 1, datetime.now(UTC)
    return replace(root, props=replace(root.props, fingerprint=current, version=version, committed_on=now))


def suspend(ctx: Context, old: Task) -> None:
    """Suspend a task; a run that is under way goes on."""
    graphs = graphs_of(ctx.services.catalog, old.name)
    if not graphs.is_root(old.name.name):
        rules.require_suspended(graphs, old.name.name)
    if old.props.state == SUSPENDED:
        return
    with ctx.ddl() as change:
        change.put(replace(old, props=suspended(old.props, "USER_SUSPENDED")))
    ctx.services.get(Scheduler).wake()


def suspended(task: TaskProps, reason: str) -> TaskProps:
    """The properties of a task that is suspended now."""
    return replace(task, state=SUSPENDED, suspended_on=datetime.now(UTC), suspended_reason=reason)
