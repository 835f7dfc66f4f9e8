"""Runs that are under way: of a graph, and of one of its tasks in the session that executes it."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from datetime import datetime

from local_snowflake.sessions.session import Session
from local_snowflake.sql.names import Name
from local_snowflake.tasks.graph import Graph, GraphRun, Node, State
from local_snowflake.tasks.graphs_of_schema import DEFAULT_TIMEOUT_MS
from local_snowflake.tasks.history import GraphRecord, TaskRecord, graph_of

INTERRUPTED = "The run was interrupted: the server stopped while the task was executing."
_SYSTEM_ERROR = "000603"


@dataclass
class Run:
    """A run of a graph: its record, how far it is, and what its tasks returned."""

    record: GraphRecord
    progress: GraphRun
    values: dict[str, str] = field(default_factory=dict)
    # time.monotonic() by which the whole graph has to be done
    deadline: float = 0.0
    # whether this run was counted for SUSPEND_TASK_AFTER_NUM_FAILURES
    counted: bool = False

    @property
    def graph(self) -> Graph:
        """The version that is run."""
        return self.progress.graph

    @property
    def root(self) -> Name:
        """The root's name."""
        return Name(self.graph.database, self.graph.schema, self.graph.root)

    def start_attempt(self, now: datetime) -> None:
        """Set the time from which the attempt counts."""
        self.record.started = now
        self.deadline = time.monotonic() + self._seconds(self.graph.nodes[self.graph.root])

    @staticmethod
    def _seconds(node: Node) -> float:
        return (DEFAULT_TIMEOUT_MS if node.timeout_ms is None else node.timeout_ms or DEFAULT_TIMEOUT_MS) / 1000

    def deadline_of(self, name: str) -> tuple[float, float]:
        """By when a task that starts now has to end, as time.monotonic(), and the seconds of its limit.

        USER_TASK_TIMEOUT_MS of the root is for the whole graph; a child's own takes its place, and a finalizer has its
        own time.
        """
        root, node = self.graph.nodes[self.graph.root], self.graph.nodes[name]
        if node.timeout_ms is not None:
            return time.monotonic() + self._seconds(node), self._seconds(node)
        if name == self.graph.finalizer:
            return time.monotonic() + self._seconds(root), self._seconds(root)
        return self.deadline, self._seconds(root)

    def next_attempt(self, now: datetime, scheduled_from: str) -> GraphRecord:
        """Begin another attempt after one that failed; returns the record of the one before."""
        before = self.record
        before.state, before.completed = str(State.FAILED), before.completed or now
        self.record = GraphRecord(
            **{
                **before.__dict__,
                "attempt": before.attempt + 1,
                "scheduled_from": scheduled_from,
                "scheduled_time": now,
                "state": "EXECUTING",
                "completed": None,
            }
        )
        self.start_attempt(now)
        return before


@dataclass
class RunningTask:
    """A task's run; the session that executes it knows it as ``session.task``."""

    run: Run
    node: Node
    record: TaskRecord
    deadline: float
    limit: float
    session: Session | None = None
    timed_out: bool = False
    cancelled: bool = False

    @property
    def name(self) -> Name:
        """The task's name."""
        return Name(self.run.graph.database, self.run.graph.schema, self.node.name)

    def cancel(self) -> None:
        """Let the run end at once; that is neither retried nor counted as a failure."""
        self.cancelled, self.deadline = True, 0.0

    def interrupt(self) -> None:
        """Stop what the task's session executes, if it executes something."""
        if self.session is not None:
            self.session.interrupt()


def new_run(graph: Graph, root_id: str, record_id: int, at: datetime, scheduled_from: str, config: str | None) -> Run:
    """A run of a graph that is to begin.

    Args:
        graph: the version to run.
        root_id: the id of its root.
        record_id: the run's number.
        at: the time for which it was scheduled.
        scheduled_from: what started it, as TASK_HISTORY tells.
        config: the run's configuration, merged from the root's and the statement's.
    """
    record = GraphRecord(
        group_id=record_id,
        attempt=1,
        root_id=root_id,
        name=graph.root,
        database=graph.database,
        schema=graph.schema,
        version=graph.version,
        run_id=int(at.timestamp() * 1000),
        scheduled_from=scheduled_from,
        scheduled_time=at,
        config=config,
        graph=json.dumps(graph.to_dict()),
    )
    return Run(record, GraphRun(graph))


def recovered_run(record: GraphRecord, tasks: list[TaskRecord], now: datetime) -> tuple[Run, list[TaskRecord]]:
    """A run that the server left when it ended, ready to go on.

    Args:
        record: the graph's record.
        tasks: the task runs of all its attempts, the latest last.
        now: the time.

    Returns:
        The run, and the task runs that were under way: they failed.
    """
    lost = []
    states: dict[str, State] = {}
    for task in tasks:
        if task.state == "EXECUTING":
            task.state, task.completed_time = str(State.FAILED), now
            task.error_code, task.error_message = _SYSTEM_ERROR, INTERRUPTED
            lost.append(task)
        failed = task.state.startswith("FAILED")
        if task.state == "SCHEDULED" or (failed and task.attempt < record.attempt):
            states[task.name] = State.WAITING
        else:
            states[task.name] = State.FAILED if failed else State(task.state)
    run = Run(record, GraphRun(graph_of(record), states, record.attempt))
    run.values = {t.name: t.return_value for t in tasks if t.return_value is not None}
    run.start_attempt(record.started or now)
    return run, lost
