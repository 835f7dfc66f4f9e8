"""Task graphs: one version of a graph, and the graphs of the tasks of a schema, which a graph never leaves.

Source: https://docs.snowflake.com/en/user-guide/tasks-graphs
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

from pydantic import TypeAdapter

from local_snowflake.catalog.catalog import Catalog
from local_snowflake.catalog.objects import TASK, Task
from local_snowflake.sql.names import Name

STARTED, SUSPENDED = "started", "suspended"
DEFAULT_TIMEOUT_MS = 3_600_000
DEFAULT_FAILURES = 10


@dataclass(frozen=True)
class Node:
    """A task as a version of its graph has it."""

    name: str
    id: str
    definition: str = ""
    predecessors: tuple[str, ...] = ()
    resumed: bool = True
    condition: str | None = None
    warehouse: str | None = None
    owner: str = ""
    timeout_ms: int | None = None
    parameters: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Graph:
    """A version of a graph: a run keeps the version that it started with."""

    database: str
    schema: str
    root: str
    nodes: dict[str, Node]
    finalizer: str | None = None
    retries: int = 0
    suspend_after: int = 0
    config: str | None = None
    version: int = 1


# of graphs and JSON
GRAPHS = TypeAdapter(Graph)


class TaskGraphs:
    """The task graphs of one schema: its tasks by name, with their relations."""

    def __init__(self, tasks: Iterable[Task]) -> None:
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
        return {n for n in [name, *_reach(name, self.predecessors)] if not self.predecessors(n)}

    def descendants(self, name: str) -> list[str]:
        """Every task below a task, without its graph's finalizer."""
        return _reach(name, self.children)

    def graph(self, root: str) -> Graph:
        """The graph of a root as it is now."""
        task, last = self.tasks[root], self.finalizer_of(root)
        names = [root, *self.descendants(root), *([last] if last else [])]
        settings = task.props.settings
        return Graph(
            task.name.database,
            task.name.schema,
            root,
            {name: self._node(name, root) for name in names},
            last,
            retries=int(settings.get("TASK_AUTO_RETRY_ATTEMPTS", 0)),
            suspend_after=int(settings.get("SUSPEND_TASK_AFTER_NUM_FAILURES", DEFAULT_FAILURES)),
            config=settings.get("CONFIG"),
            version=int(task.props.version),
        )

    def _node(self, name: str, root: str) -> Node:
        props = self.tasks[name].props
        timeout = props.settings.get("USER_TASK_TIMEOUT_MS")
        return Node(
            name=name,
            predecessors=tuple(self.predecessors(name)) if name != root else (),
            resumed=props.state == STARTED,
            owner=self.tasks[name].owner,
            timeout_ms=int(timeout) if timeout is not None else None,
            **{key: getattr(props, key) for key in ("id", "definition", "condition", "warehouse", "parameters")},
        )


def _reach(start: str, step: Callable[[str], list[str]]) -> list[str]:
    """What is reached from a task step by step, each once, the nearest first."""
    found: list[str] = []
    todo = [start]
    while todo:
        new = [name for name in step(todo.pop(0)) if name not in found]
        found, todo = found + new, todo + new
    return found


def overlap_policy(settings: dict[str, Any]) -> str:
    """The policy that OVERLAP_POLICY or the older ALLOW_OVERLAPPING_EXECUTION sets."""
    if str(settings.get("ALLOW_OVERLAPPING_EXECUTION")).upper() == "TRUE":
        return "ALLOW_CHILD_OVERLAP"
    return str(settings.get("OVERLAP_POLICY", "NO_OVERLAP")).upper()


def graphs_of(catalog: Catalog, name: Name) -> TaskGraphs:
    """The graphs of a name's schema."""
    return TaskGraphs(catalog.all(TASK, name.database, name.schema))


def fingerprint(graph: Graph) -> str:
    """What distinguishes one version of a graph from another."""
    data = asdict(graph) | {"version": 0}
    for node in data["nodes"].values():
        node["resumed"] = node["resumed"] and node["name"] != graph.root
    return hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()
