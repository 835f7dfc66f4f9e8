"""One version of a task graph, and one run of it: which tasks may start, what follows from each outcome."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any


class State(StrEnum):
    """Where a task stands in a run of its graph."""

    WAITING = "WAITING"
    EXECUTING = "EXECUTING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    SKIPPED = "SKIPPED"
    CANCELLED = "CANCELLED"


# after a skipped root there is no finalizer
_FOLLOWED = {State.SUCCEEDED, State.FAILED, State.CANCELLED}


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
    """A version of a graph: a run keeps the version that it started with.

    Source: https://docs.snowflake.com/en/user-guide/tasks-graphs
    """

    database: str
    schema: str
    root: str
    nodes: dict[str, Node]
    finalizer: str | None = None
    retries: int = 0
    suspend_after: int = 0
    config: str | None = None
    version: int = 1

    def to_dict(self) -> dict[str, Any]:
        """The graph as JSON can carry it."""
        return asdict(self)

    @staticmethod
    def from_dict(data: dict[str, Any]) -> Graph:
        """The graph of ``to_dict()``."""
        nodes = {n: Node(**{**d, "predecessors": tuple(d["predecessors"])}) for n, d in data["nodes"].items()}
        return Graph(**{**data, "nodes": nodes})


class GraphRun:
    """The states of a graph's tasks in one run, over all its attempts."""

    def __init__(self, graph: Graph, states: dict[str, State] | None = None, attempt: int = 1) -> None:
        """Begin a run, or go on with one whose states are known.

        Args:
            graph: the version to run.
            states: what became of tasks already; every other one waits.
            attempt: which attempt this is.
        """
        self.graph = graph
        self.states = dict.fromkeys(graph.nodes, State.WAITING) | (states or {})
        self.attempt = attempt

    def ready(self) -> list[str]:
        """The tasks that may start now, in the order of their names; the finalizer comes alone and last."""
        graph = self.graph
        found = [n for n in sorted(graph.nodes) if n != graph.finalizer and self._may_start(graph.nodes[n])]
        if not found and graph.finalizer and self._may_finalize(graph.nodes[graph.finalizer]):
            return [graph.finalizer]
        return found

    def _may_start(self, node: Node) -> bool:
        if self.states[node.name] != State.WAITING:
            return False
        if node.name == self.graph.root:
            return True
        if not node.resumed:
            return False
        # a suspended predecessor counts as successful, but one at least has to run
        deciding = [p for p in node.predecessors if p == self.graph.root or self.graph.nodes[p].resumed]
        return bool(deciding) and all(self.states[p] == State.SUCCEEDED for p in deciding)

    def _may_finalize(self, last: Node) -> bool:
        if not last.resumed or self.states[last.name] != State.WAITING or State.EXECUTING in self.states.values():
            return False
        return self.states[self.graph.root] in _FOLLOWED and not self.may_retry

    def started(self, name: str) -> None:
        """A task begins."""
        self._move(name, State.WAITING, State.EXECUTING)

    def finished(self, name: str, state: State) -> None:
        """A task ended."""
        self._move(name, State.EXECUTING, state)

    def _move(self, name: str, before: State, after: State) -> None:
        if self.states[name] != before:
            raise ValueError(f"task {name} is {self.states[name]}, so that it cannot become {after}")
        self.states[name] = after

    @property
    def may_retry(self) -> bool:
        """Whether TASK_AUTO_RETRY_ATTEMPTS leaves an attempt for a failed task."""
        return State.FAILED in self.states.values() and self.attempt <= self.graph.retries

    @property
    def attempt_over(self) -> bool:
        """Whether nothing runs and nothing may start without a retry."""
        return State.EXECUTING not in self.states.values() and not self.ready()

    @property
    def outcome(self) -> State:
        """What the run is called when it is over."""
        if State.FAILED in self.states.values():
            return State.FAILED
        if State.CANCELLED in self.states.values():
            return State.CANCELLED
        return State.SKIPPED if self.states[self.graph.root] == State.SKIPPED else State.SUCCEEDED

    def retry(self) -> None:
        """Begin the next attempt: from the tasks that failed."""
        self.attempt += 1
        self.reset(n for n, s in self.states.items() if s == State.FAILED)

    def reset(self, names: Iterable[str]) -> None:
        """Let tasks wait again."""
        self.states.update(dict.fromkeys(list(names), State.WAITING))
