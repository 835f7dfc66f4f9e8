"""The tasks of one schema and how they hang together: a graph never leaves its schema."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable

from local_snowflake.catalog.objects import Task
from local_snowflake.tasks.graph import Graph, Node
from local_snowflake.tasks.schedule import Schedule, parse_schedule

STARTED, SUSPENDED = "started", "suspended"
DEFAULT_TIMEOUT_MS = 3_600_000
DEFAULT_FAILURES = 10


class Family:
    """Tasks by name, with their relations."""

    def __init__(self, tasks: Iterable[Task]) -> None:
        """Relate the tasks of one schema."""
        self.tasks = {t.name.name: t for t in tasks}

    def predecessors(self, name: str) -> list[str]:
        """The tasks that a task runs after."""
        return [p for p in self.tasks[name].props.predecessors if p in self.tasks]

    def children(self, name: str) -> list[str]:
        """The tasks that run after a task."""
        return sorted(n for n, t in self.tasks.items() if name in t.props.predecessors)

    def finalizer_of(self, name: str) -> str | None:
        """The task that finalizes the graph of a root."""
        return next((n for n, t in sorted(self.tasks.items()) if t.props.finalize == name), None)

    def is_root(self, name: str) -> bool:
        """Whether a task is a root or stands alone."""
        return not self.predecessors(name) and self.tasks[name].props.finalize not in self.tasks

    def roots_of(self, name: str) -> set[str]:
        """The roots of the graphs that a task belongs to; a root's is itself."""
        target = self.tasks[name].props.finalize
        if target in self.tasks:
            return {str(target)}
        roots: set[str] = set()
        todo, seen = [name], {name}
        while todo:
            here = todo.pop()
            above = self.predecessors(here)
            if not above:
                roots.add(here)
            todo += [p for p in above if p not in seen]
            seen.update(above)
        return roots

    def descendants(self, name: str) -> list[str]:
        """Every task below a task, without its graph's finalizer."""
        found: list[str] = []
        todo = [name]
        while todo:
            for child in self.children(todo.pop(0)):
                if child not in found:
                    found.append(child)
                    todo.append(child)
        return found

    def graph(self, root: str) -> Graph:
        """The graph of a root as it is now."""
        task = self.tasks[root]
        members = [root, *self.descendants(root)]
        last = self.finalizer_of(root)
        nodes = {n: self._node(n, root) for n in [*members, *([last] if last else [])]}
        settings = task.props.settings
        return Graph(
            task.name.database,
            task.name.schema,
            root,
            nodes,
            last,
            retries=int(settings.get("TASK_AUTO_RETRY_ATTEMPTS", 0)),
            suspend_after=int(settings.get("SUSPEND_TASK_AFTER_NUM_FAILURES", DEFAULT_FAILURES)),
            config=settings.get("CONFIG"),
            version=int(task.props.version),
        )

    def _node(self, name: str, root: str) -> Node:
        task = self.tasks[name]
        timeout = task.props.settings.get("USER_TASK_TIMEOUT_MS")
        return Node(
            name=name,
            id=task.props.id,
            definition=task.props.definition,
            predecessors=tuple(self.predecessors(name)) if name != root else (),
            resumed=task.props.state == STARTED,
            condition=task.props.condition,
            warehouse=task.props.warehouse,
            owner=task.owner,
            timeout_ms=int(timeout) if timeout is not None else None,
            parameters=task.props.parameters,
        )


def fingerprint(graph: Graph) -> str:
    """What tells one version of a graph from another."""
    data = graph.to_dict() | {"version": 0}
    for node in data["nodes"].values():
        node["resumed"] = node["resumed"] and node["name"] != graph.root
    return hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()


def schedule_of(task: Task) -> Schedule | None:
    """A task's schedule."""
    text = task.props.schedule
    return parse_schedule(text) if text else None


def is_triggered(task: Task) -> bool:
    """Whether a root runs when a stream has data instead of by a schedule.

    Source: https://docs.snowflake.com/en/user-guide/tasks-triggered
    """
    props = task.props
    condition = (props.condition or "").upper()
    apart = not props.schedule and not props.predecessors and not props.finalize
    return apart and "SYSTEM$STREAM_HAS_DATA" in condition
