"""ALTER TASK: https://docs.snowflake.com/en/sql-reference/sql/alter-task."""

from __future__ import annotations

from dataclasses import replace

from local_snowflake.catalog.objects import TASK, WAREHOUSE, Task
from local_snowflake.errors import does_not_exist
from local_snowflake.execution.context import Context
from local_snowflake.execution.registry import statement
from local_snowflake.execution.results import Result, status
from local_snowflake.sql.names import Name
from local_snowflake.sql.statement import Reader, Statement, skip_head
from local_snowflake.tasks import rules
from local_snowflake.tasks.clauses import read_names, read_settings
from local_snowflake.tasks.graphs_of_schema import Family
from local_snowflake.tasks.names import family_of, finalize_target, predecessors, with_task, written
from local_snowflake.tasks.state import resume, suspend, suspended


@statement("ALTER", "TASK")
def alter_task(ctx: Context, stmt: Statement) -> Result:
    """ALTER TASK [IF EXISTS] name RESUME | SUSPEND | SET … | UNSET … | MODIFY … | ADD AFTER … | REMOVE …."""
    reader = skip_head(stmt)
    if_exists = reader.accept("IF", "EXISTS")
    name = ctx.resolve(reader.name_parts())
    old = ctx.catalog.get(TASK, name)
    if old is None:
        if if_exists:
            return status("Statement executed successfully.")
        raise does_not_exist("Task", name.fqn)
    if reader.accept("RESUME"):
        reader.finish()
        resume(ctx, [old])
        return status()
    if reader.accept("SUSPEND"):
        reader.finish()
        suspend(ctx, old)
        return status()
    task = _read_change(ctx, old, reader)
    family = family_of(ctx, name)
    rules.require_suspended(family, name.name)
    extended = with_task(family, task)
    rules.check(extended, task)
    rules.require_suspended(extended, name.name)
    with ctx.ddl() as change:
        change.put(task)
    ctx.engine.scheduler.wake()
    return status()


def _read_change(ctx: Context, task: Task, reader: Reader) -> Task:
    """Read what is to change of a task; returns it changed."""
    props, family = task.props, family_of(ctx, task.name)
    if reader.accept("MODIFY", "AS"):
        return replace(task, props=replace(props, definition=reader.rest().strip()))
    if reader.accept("MODIFY", "WHEN"):
        return replace(task, props=replace(props, condition=reader.rest().strip()))
    if reader.accept("REMOVE", "WHEN"):
        task = replace(task, props=replace(props, condition=None))
    elif reader.accept("ADD", "AFTER"):
        added = predecessors(ctx, task.name, read_names(reader), family)
        if family.finalizer_of(task.name.name):
            raise rules.refusal(
                "This task has a finalizer and cannot be made a child task. Please remove the finalizer before "
                "adding a predecessor."
            )
        task = replace(task, props=replace(props, predecessors=tuple(sorted({*props.predecessors, *added}))))
    elif reader.accept("REMOVE", "AFTER"):
        task = _remove_predecessors(ctx, task, read_names(reader), family)
    elif reader.accept("SET"):
        task = _set(ctx, task, reader, family)
    elif reader.accept("UNSET"):
        task = _unset(task, reader)
    else:
        raise reader.unexpected("RESUME, SUSPEND, SET, UNSET, MODIFY, ADD AFTER or REMOVE")
    reader.finish()
    return task


def _remove_predecessors(ctx: Context, task: Task, names: list[list[str]], family: Family) -> Task:
    """Take predecessors away; a task that has none left becomes a suspended root."""
    props = task.props
    for parts in reversed(names):
        full = ctx.resolve(parts) if len(parts) > 1 else Name(task.name.database, task.name.schema, parts[0])
        if full.name not in props.predecessors or (full.database, full.schema) != task.name[:2]:
            if full.name in family.tasks or ctx.catalog.get(TASK, full):
                raise rules.refusal(f"Task {task.name.name} does not have predecessor {full.name}.")
            raise rules.refusal(f"Invalid predecessor {written(parts)} was specified.")
    gone = {parts[-1] for parts in names}
    props = replace(props, predecessors=tuple(p for p in props.predecessors if p not in gone))
    return replace(task, props=props if props.predecessors else suspended(props, "CHILD_BECAME_ROOT"))


def _set(ctx: Context, task: Task, reader: Reader, family: Family) -> Task:
    clauses = read_settings(reader)
    props = task.props
    if clauses.warehouse:
        ctx.catalog.need(WAREHOUSE, Name("", "", clauses.warehouse))
        props = replace(props, warehouse=clauses.warehouse)
    if clauses.schedule is not None:
        props = replace(props, schedule=clauses.schedule)
    if clauses.finalize is not None:
        props = replace(props, finalize=finalize_target(ctx, task.name, clauses.finalize, family))
    settings, parameters = props.settings | clauses.settings, props.parameters | clauses.parameters
    comment = task.comment if clauses.comment is None else clauses.comment
    return replace(task, props=replace(props, settings=settings, parameters=parameters), comment=comment)


def _unset(task: Task, reader: Reader) -> Task:
    props, comment = task.props, task.comment
    settings, parameters = dict(props.settings), dict(props.parameters)
    while not reader.done:
        key = reader.identifier()
        if key == "WAREHOUSE":
            props = replace(props, warehouse=None)
        elif key == "SCHEDULE":
            props = replace(props, schedule=None)
        elif key == "COMMENT":
            comment = ""
        elif key == "FINALIZE":
            props = suspended(replace(props, finalize=None), "FINALIZER_BECAME_ROOT")
        else:
            settings.pop(key, None)
            parameters.pop(key, None)
        reader.accept(",")
    return replace(task, props=replace(props, settings=settings, parameters=parameters), comment=comment)
