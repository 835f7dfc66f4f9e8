"""ALTER TASK, RESUME and SUSPEND among it; and the version that a graph gets when its root is resumed or executed.

Source: https://docs.snowflake.com/en/sql-reference/sql/alter-task
"""

from __future__ import annotations

import copy
from datetime import UTC, datetime
from typing import Any

from local_snowflake.catalog.catalog import Object
from local_snowflake.errors import does_not_exist
from local_snowflake.execution.context import Context
from local_snowflake.execution.registry import statement
from local_snowflake.execution.results import Result, status
from local_snowflake.sql.names import Name
from local_snowflake.sql.statement import Reader, Statement, skip_head
from local_snowflake.tasks import rules
from local_snowflake.tasks.clauses import read_names, read_settings
from local_snowflake.tasks.graph import STARTED, SUSPENDED, TaskGraphs, fingerprint, graphs_of
from local_snowflake.tasks.rules import finalize_target, predecessors, written
from local_snowflake.tasks.scheduler import Scheduler


@statement("ALTER", "TASK")
def alter_task(ctx: Context, stmt: Statement) -> Result:
    """ALTER TASK [IF EXISTS] name RESUME | SUSPEND | SET … | UNSET … | MODIFY … | ADD AFTER … | REMOVE …."""
    reader = skip_head(stmt)
    if_exists = reader.accept("IF", "EXISTS")
    name = ctx.resolve(reader.name_parts())
    old = ctx.catalog.get("TASK", name)
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
    task = copy.deepcopy(old)
    _read_change(ctx, task, reader)
    graphs = graphs_of(ctx.catalog, name)
    rules.require_suspended(graphs, name.name)
    extended = graphs.with_task(task)
    rules.check(extended, task)
    rules.require_suspended(extended, name.name)
    with ctx.ddl() as change:
        change.put(task)
    ctx.services.get(Scheduler).wake()
    return status()


def _read_change(ctx: Context, task: Object, reader: Reader) -> None:
    props, graphs = task.props, graphs_of(ctx.catalog, task.name)
    if reader.accept("MODIFY", "AS"):
        props["definition"] = reader.rest().strip()
        return
    if reader.accept("MODIFY", "WHEN"):
        props["condition"] = reader.rest().strip()
        return
    if reader.accept("REMOVE", "WHEN"):
        props["condition"] = None
    elif reader.accept("ADD", "AFTER"):
        added = predecessors(ctx, task.name, read_names(reader), graphs)
        if graphs.finalizer_of(task.name.name):
            raise rules.refusal(
                "This task has a finalizer and cannot be made a child task. Please remove the finalizer before "
                "adding a predecessor."
            )
        props["predecessors"] = sorted({*props["predecessors"], *added})
    elif reader.accept("REMOVE", "AFTER"):
        _remove_predecessors(ctx, task, read_names(reader), graphs)
    elif reader.accept("SET"):
        _set(ctx, task, reader, graphs)
    elif reader.accept("UNSET"):
        _unset(task, reader)
    else:
        raise reader.unexpected("RESUME, SUSPEND, SET, UNSET, MODIFY, ADD AFTER or REMOVE")
    reader.finish()


def _remove_predecessors(ctx: Context, task: Object, names: list[list[str]], graphs: TaskGraphs) -> None:
    """Take predecessors away; a task that has none left becomes a suspended root."""
    props = task.props
    for parts in reversed(names):
        full = ctx.resolve(parts) if len(parts) > 1 else Name(task.name.database, task.name.schema, parts[0])
        if full.name not in props["predecessors"] or (full.database, full.schema) != task.name[:2]:
            if full.name in graphs.tasks or ctx.catalog.get("TASK", full):
                raise rules.refusal(f"Task {task.name.name} does not have predecessor {full.name}.")
            raise rules.refusal(f"Invalid predecessor {written(parts)} was specified.")
    gone = {parts[-1] for parts in names}
    props["predecessors"] = [p for p in props["predecessors"] if p not in gone]
    if not props["predecessors"]:
        props.update(suspension("CHILD_BECAME_ROOT"))


def _set(ctx: Context, task: Object, reader: Reader, graphs: TaskGraphs) -> None:
    clauses = read_settings(reader)
    props = task.props
    if clauses.warehouse:
        ctx.catalog.need("WAREHOUSE", Name("", "", clauses.warehouse))
        props["warehouse"] = clauses.warehouse
    if clauses.schedule is not None:
        props["schedule"] = clauses.schedule
    if clauses.finalize is not None:
        props["finalize"] = finalize_target(ctx, task.name, clauses.finalize, graphs)
    if clauses.comment is not None:
        task.comment = clauses.comment
    props["settings"] |= clauses.settings
    props["parameters"] |= clauses.parameters


def _unset(task: Object, reader: Reader) -> None:
    props = task.props
    while not reader.done:
        key = reader.identifier()
        if key in {"WAREHOUSE", "SCHEDULE"}:
            props[key.lower()] = None
        elif key == "COMMENT":
            task.comment = ""
        elif key == "FINALIZE":
            props["finalize"] = None
            props.update(suspension("FINALIZER_BECAME_ROOT"))
        else:
            props["settings"].pop(key, None)
            props["parameters"].pop(key, None)
        reader.accept(",")


def resume(ctx: Context, tasks: list[Object]) -> None:
    """Start tasks: roots get a version of their graph, children a place in the next one."""
    graphs = graphs_of(ctx.catalog, tasks[0].name)
    resumed = {t.name.name: copy.deepcopy(t) for t in tasks if t.props["state"] != STARTED}
    names = {t.name.name for t in tasks}
    for name in resumed:
        if not graphs.roots_of(name) <= names:
            rules.require_suspended(graphs, name)
    now = datetime.now(UTC).isoformat()
    for task in resumed.values():
        task.props |= {"state": STARTED, "resumed_on": now, "failures": 0}
    roots = {n: copy.deepcopy(graphs.tasks[n]) for n in names if graphs.is_root(n)} | resumed
    after = TaskGraphs((graphs.tasks | roots).values())
    changed = resumed | {n: t for n, t in roots.items() if after.is_root(n) and set_version(after, t)}
    with ctx.ddl() as change:
        for task in changed.values():
            change.put(task)
    ctx.services.get(Scheduler).wake()


def set_version(graphs: TaskGraphs, root: Object) -> bool:
    """Give the graph of a root a new version if it is another than before; returns whether it is.

    Raises:
        SnowflakeError: if one of its tasks belongs to another graph, too.
    """
    for name in graphs.descendants(root.name.name):
        if others := graphs.roots_of(name) - {root.name.name}:
            raise rules.refusal(
                f"Task {graphs.tasks[name].name.fqn} has more than one root task: also {sorted(others)[0]}."
            )
    print_ = fingerprint(graphs.graph(root.name.name))
    if root.props["fingerprint"] == print_:
        return False
    root.props |= {
        "fingerprint": print_,
        "version": root.props["version"] + 1,
        "committed_on": datetime.now(UTC).isoformat(),
    }
    return True


def suspend(ctx: Context, old: Object) -> None:
    """Suspend a task; a run that is under way goes on."""
    graphs = graphs_of(ctx.catalog, old.name)
    if not graphs.is_root(old.name.name):
        rules.require_suspended(graphs, old.name.name)
    if old.props["state"] == SUSPENDED:
        return
    task = copy.deepcopy(old)
    task.props |= suspension("USER_SUSPENDED")
    with ctx.ddl() as change:
        change.put(task)
    ctx.services.get(Scheduler).wake()


def suspension(reason: str) -> dict[str, Any]:
    """The properties of a task that is suspended now."""
    return {"state": SUSPENDED, "suspended_on": datetime.now(UTC).isoformat(), "suspended_reason": reason}
