"""RESUME and SUSPEND of tasks, and the version that a graph gets when its root is resumed or executed."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from local_snowflake.catalog.objects import Task, TaskProps
from local_snowflake.execution.context import Context
from local_snowflake.tasks import rules
from local_snowflake.tasks.graphs_of_schema import STARTED, SUSPENDED, Family, fingerprint
from local_snowflake.tasks.names import family_of


def resume(ctx: Context, tasks: list[Task]) -> None:
    """Start tasks: roots get a version of their graph, children a place in the next one."""
    family = family_of(ctx, tasks[0].name)
    resumed = {t.name.name: t for t in tasks if t.props.state != STARTED}
    given = {t.name.name for t in tasks}
    for name in resumed:
        if not family.roots_of(name) <= given:
            rules.require_suspended(family, name)
    now = datetime.now(UTC)
    for name, task in resumed.items():
        resumed[name] = replace(task, props=replace(task.props, state=STARTED, resumed_on=now, failures=0))
    roots = {n: family.tasks[n] for n in given if family.is_root(n)} | resumed
    after = Family((family.tasks | roots).values())
    versioned = {n: with_version(after, t) if after.is_root(n) else t for n, t in roots.items()}
    with ctx.ddl() as change:
        for name, task in versioned.items():
            if task is not family.tasks.get(name):
                change.put(task)
    ctx.engine.scheduler.wake()


def with_version(family: Family, root: Task) -> Task:
    """The root of a graph, with a new version if the graph is another than before; the same object if it is not.

    Raises:
        SnowflakeError: if one of its tasks belongs to another graph, too.
    """
    for name in family.descendants(root.name.name):
        if others := family.roots_of(name) - {root.name.name}:
            raise rules.refusal(
                f"Task {family.tasks[name].name.fqn} has more than one root task: also {sorted(others)[0]}."
            )
    current = fingerprint(family.graph(root.name.name))
    if root.props.fingerprint == current:
        return root
    version, now = root.props.version + 1, datetime.now(UTC)
    return replace(root, props=replace(root.props, fingerprint=current, version=version, committed_on=now))


def suspend(ctx: Context, old: Task) -> None:
    """Suspend a task; a run that is under way goes on."""
    family = family_of(ctx, old.name)
    if not family.is_root(old.name.name):
        rules.require_suspended(family, old.name.name)
    if old.props.state == SUSPENDED:
        return
    with ctx.ddl() as change:
        change.put(replace(old, props=suspended(old.props, "USER_SUSPENDED")))
    ctx.engine.scheduler.wake()


def suspended(task: TaskProps, reason: str) -> TaskProps:
    """The properties of a task that is suspended now."""
    return replace(task, state=SUSPENDED, suspended_on=datetime.now(UTC), suspended_reason=reason)
