"""RESUME and SUSPEND of tasks, and the version that a graph gets when its root is resumed or executed."""

from __future__ import annotations

import copy
from datetime import UTC, datetime
from typing import Any

from local_snowflake.catalog.catalog import Object
from local_snowflake.execution.context import Context
from local_snowflake.tasks import rules
from local_snowflake.tasks.graphs_of_schema import STARTED, SUSPENDED, Family, fingerprint
from local_snowflake.tasks.names import family_of
from local_snowflake.tasks.scheduler import Scheduler


def resume(ctx: Context, tasks: list[Object]) -> None:
    """Start tasks: roots get a version of their graph, children a place in the next one."""
    family = family_of(ctx, tasks[0].name)
    resumed = {t.name.name: copy.deepcopy(t) for t in tasks if t.props["state"] != STARTED}
    given = {t.name.name for t in tasks}
    for name in resumed:
        if not family.roots_of(name) <= given:
            rules.require_suspended(family, name)
    now = datetime.now(UTC).isoformat()
    for task in resumed.values():
        task.props |= {"state": STARTED, "resumed_on": now, "failures": 0}
    roots = {n: copy.deepcopy(family.tasks[n]) for n in given if family.is_root(n)} | resumed
    after = Family((family.tasks | roots).values())
    changed = resumed | {n: t for n, t in roots.items() if after.is_root(n) and set_version(after, t)}
    with ctx.ddl() as change:
        for task in changed.values():
            change.put(task)
    ctx.services.get(Scheduler).wake()


def set_version(family: Family, root: Object) -> bool:
    """Give the graph of a root a new version if it is another than before; returns whether it is.

    Raises:
        SnowflakeError: if one of its tasks belongs to another graph, too.
    """
    for name in family.descendants(root.name.name):
        if others := family.roots_of(name) - {root.name.name}:
            raise rules.refusal(
                f"Task {family.tasks[name].name.fqn} has more than one root task: also {sorted(others)[0]}."
            )
    print_ = fingerprint(family.graph(root.name.name))
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
    family = family_of(ctx, old.name)
    if not family.is_root(old.name.name):
        rules.require_suspended(family, old.name.name)
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
