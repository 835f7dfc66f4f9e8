"""Runs of task graphs: which tasks may start, what follows from each outcome, and the runs that are under way."""

import time
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from local_snowflake.catalog.catalog import Catalog
from local_snowflake.catalog.objects import TASK, Task
from local_snowflake.catalog.storage import Storage
from local_snowflake.sessions.session import Session
from local_snowflake.sql.names import Name
from local_snowflake.tasks.graph import DEFAULT_TIMEOUT_MS, GRAPHS, STARTED, SUSPENDED, Graph, Node
from local_snowflake.tasks.history import GraphRecord, TaskRecord

INTERRUPTED = "The run was interrupted: the server stopped while the task was executing."
_SYSTEM_ERROR = "000603"


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


class GraphRun:
    """The states of a graph's tasks in one run, over all its attempts."""

    def __init__(self, graph: Graph, states: dict[str, State] | None = None, attempt: int = 1) -> None:
        """Begin a run, or go on with one of which some tasks have a state; every other one waits."""
        self.graph = graph
        self.states = dict.fromkeys(graph.nodes, State.WAITING) | (states or {})
        self.attempt = attempt

    def ready(self) -> list[str]:
        """The tasks that may start now, in the order of their names; the finalizer comes alone and last."""
        graph = self.graph
        ready = [n for n in sorted(graph.nodes) if n != graph.finalizer and self._may_start(graph.nodes[n])]
        if not ready and graph.finalizer and self._may_finalize(graph.nodes[graph.finalizer]):
            return [graph.finalizer]
        return ready

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
        good = State.SKIPPED if self.states[self.graph.root] == State.SKIPPED else State.SUCCEEDED
        return next((s for s in (State.FAILED, State.CANCELLED) if s in self.states.values()), good)

    def retry(self) -> None:
        """Begin the next attempt: from the tasks that failed."""
        self.attempt += 1
        self.states |= {n: State.WAITING for n, s in self.states.items() if s == State.FAILED}


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
        self.deadline = time.monotonic() + _seconds(self.graph.nodes[self.graph.root])

    def deadline_of(self, name: str) -> tuple[float, float]:
        """By when a task that starts now has to end, as time.monotonic(), and the seconds of its limit.

        USER_TASK_TIMEOUT_MS of the root is for the whole graph; a child's own takes its place, and a finalizer has its
        own time.
        """
        node = self.graph.nodes[name]
        seconds = _seconds(self.graph.nodes[self.graph.root] if node.timeout_ms is None else node)
        alone = node.timeout_ms is not None or name == self.graph.finalizer
        return time.monotonic() + seconds if alone else self.deadline, seconds

    def next_attempt(self, now: datetime, scheduled_from: str) -> GraphRecord:
        """Begin another attempt after one that failed; returns the record of the one before."""
        before = self.record
        before.state, before.completed = str(State.FAILED), before.completed or now
        begun = {"scheduled_from": scheduled_from, "scheduled_time": now, "state": "EXECUTING", "completed": None}
        self.record = GraphRecord(**{**before.__dict__, **begun, "attempt": before.attempt + 1})
        self.start_attempt(now)
        return before


def _seconds(node: Node) -> float:
    return (node.timeout_ms or DEFAULT_TIMEOUT_MS) / 1000


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
    """A run of a version of a graph that is to begin; it was scheduled for ``at``."""
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
        graph=GRAPHS.dump_json(graph).decode(),
    )
    return Run(record, GraphRun(graph))


def recovered_run(record: GraphRecord, tasks: list[TaskRecord], now: datetime) -> tuple[Run, list[TaskRecord]]:
    """A run that the server left when it ended, ready to go on; and its task runs that were under way: they failed.

    ``tasks`` are the task runs of all its attempts, the latest last.
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
    run = Run(record, GraphRun(GRAPHS.validate_json(record.graph), states, record.attempt))
    run.values = {t.name: t.return_value for t in tasks if t.return_value is not None}
    run.start_attempt(record.started or now)
    return run, lost


class FailureCounter:
    """Counts failures in a row in the roots' properties, and suspends a root that has failed too often.

    Source: https://docs.snowflake.com/en/sql-reference/sql/create-task
    """

    def __init__(self, storage: Storage, catalog: Catalog) -> None:
        self._storage = storage
        self._catalog = catalog

    def count_failure(self, run: Run) -> bool:
        """Count a failed run of a root; returns whether it is suspended for it."""
        if (root := self._root(run)) is None:
            return False
        failures = root.props.failures + 1
        if not (0 < run.graph.suspend_after <= failures and root.props.state == STARTED):
            self._change(run, failures=failures)
            return False
        reason, now = "SUSPENDED_DUE_TO_ERRORS", datetime.now(UTC)
        self._change(run, failures=0, state=SUSPENDED, suspended_on=now, suspended_reason=reason)
        return True

    def count_success(self, run: Run) -> None:
        """Begin to count from zero again."""
        root = self._root(run)
        if root and root.props.failures:
            self._change(run, failures=0)

    def _root(self, run: Run) -> Task | None:
        """The root of a run as it is now; None if it was dropped or replaced."""
        root = self._catalog.get(TASK, run.root)
        return root if root and root.props.id == run.record.root_id else None

    def _change(self, run: Run, **props: Any) -> None:
        """Change properties of a run's root, if it is still there."""
        with self._storage.cursor() as cursor, self._catalog.change(cursor) as change:
            if root := self._root(run):
                change.put(replace(root, props=replace(root.props, **props)))
