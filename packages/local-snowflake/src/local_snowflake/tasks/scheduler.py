"""Runs tasks: a thread that sleeps until something is due, and a bounded pool that executes."""

import json
import logging
import threading
import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

from local_snowflake.catalog.catalog import Catalog
from local_snowflake.catalog.objects import TASK, Task
from local_snowflake.catalog.storage import Storage
from local_snowflake.sql.names import Name
from local_snowflake.tasks import history
from local_snowflake.tasks.execution import TaskExecutor
from local_snowflake.tasks.graph import STARTED, graphs_of, overlap_policy
from local_snowflake.tasks.history import GraphRecord, History, TaskRecord
from local_snowflake.tasks.runs import FailureCounter, Run, RunningTask, State, new_run, recovered_run
from local_snowflake.tasks.schedule import Timetable, is_triggered, next_due

logger = logging.getLogger(__name__)
_THREADS = 16
_HOUSEKEEPING = timedelta(hours=1)
# a statement may begin between two interrupts: they are repeated until the task has ended
_INTERRUPT_AGAIN = 0.25
_STOP_SECONDS = 10.0


class Scheduler:
    """The account's task graphs in time.

    Locks are taken in the order scheduler, catalog, history: nothing may call in here while it changes the catalog.
    """

    def __init__(self, storage: Storage, catalog: Catalog, executor: TaskExecutor) -> None:
        self.history = History(storage.cursor())
        self._catalog = catalog
        self._executor = executor
        self._failures = FailureCounter(storage, catalog)
        self._timetable = Timetable()
        self._lock = threading.RLock()
        self._signal = threading.Event()
        self._stopping = False
        self._data_changed = False
        self._has_triggers = False
        self._runs: dict[int, Run] = {}
        self._tasks: dict[str, RunningTask] = {}
        self._queued: dict[str, Callable[[], None]] = {}
        self._pruned = datetime.min.replace(tzinfo=UTC)
        self._thread: threading.Thread | None = None
        self._pool = ThreadPoolExecutor(_THREADS, "task")
        self._checks = ThreadPoolExecutor(1, "task-trigger")

    # -- life ---------------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Go on with what the server left unfinished, and follow the schedules."""
        with self._lock:
            for record, tasks in self.history.unfinished():
                run, lost = recovered_run(record, tasks, datetime.now(UTC))
                for task in lost:
                    self.history.save(task)
                self._resume(run)
        self._thread = threading.Thread(target=self._loop, name="scheduler", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Interrupt what runs and end; runs that did not end by themselves go on at the next start."""
        self._stopping = True
        self._signal.set()
        if self._thread:
            self._thread.join()
        self._pool.shutdown(wait=False, cancel_futures=True)
        self._checks.shutdown(wait=True, cancel_futures=True)
        deadline = time.monotonic() + _STOP_SECONDS
        while self._tasks and time.monotonic() < deadline:
            for task in list(self._tasks.values()):
                task.interrupt()
            time.sleep(0.05)
        self.history.close()

    def wake(self) -> None:
        """Look at the tasks again: one of them was changed."""
        self._signal.set()

    def data_changed(self) -> None:
        """Rows were committed: streams that trigger tasks may have data now. Never blocks."""
        if self._has_triggers and not self._data_changed:
            self._data_changed = True
            self._signal.set()

    # -- time ---------------------------------------------------------------------------------------------------------

    def _loop(self) -> None:
        while not self._stopping:
            self._signal.clear()
            try:
                wait = self._tick(datetime.now(UTC))
            except Exception:
                # a scheduler that ended would go unnoticed
                logger.exception("the scheduler failed; it tries again in a second")
                wait = 1.0
            self._signal.wait(wait)

    def _tick(self, now: datetime) -> float:
        """Start what is due; returns the seconds until there is something to do again."""
        tasks = self._catalog.all(TASK)
        with self._lock:
            roots = self._timetable.update(tasks, now)
            busy = {run.record.root_id for run in self._runs.values()}
            if self._data_changed:
                self._data_changed = False
                self._timetable.data_changed()
            for root, at in self._timetable.due(roots, now):
                if self._may_start(root):
                    self._launch(root, at, history.SCHEDULE)
            idle = [r for r in roots if r.props.id not in busy]
            for root, health_check in self._timetable.to_check(idle, now):
                self._checks.submit(self._check, root, health_check)
            self._has_triggers = any(map(is_triggered, roots))
            following = self._timetable.next_time(roots, busy)
        if now - self._pruned > _HOUSEKEEPING:
            self.history.prune(now)
            self._pruned = now
        wait = self._interrupt_late()
        return max(min(wait, (following - datetime.now(UTC)).total_seconds()) if following else wait, 0.0)

    def _interrupt_late(self) -> float:
        """Interrupt tasks whose time is over; returns the seconds until the next one's is."""
        waits = [_HOUSEKEEPING.total_seconds()]
        for task in list(self._tasks.values()):
            left = task.deadline - time.monotonic()
            if left <= 0:
                task.timed_out = not task.cancelled
                task.interrupt()
            waits.append(left if left > 0 else _INTERRUPT_AGAIN)
        return min(waits)

    def _check(self, root: Task, health_check: bool) -> None:
        """Run a triggered root if its stream has data."""
        try:
            graphs = graphs_of(self._catalog, root.name)
            holds = self._executor.stream_has_data(graphs.graph(root.name.name))
            with self._lock:
                now = self._catalog.get(TASK, root.name)
                same = now is not None and now.props.id == root.props.id and now.props.state == STARTED
                if (holds or health_check) and same and now and not self._active(root.props.id):
                    self._launch(now, datetime.now(UTC), history.TRIGGER)
        except Exception:
            logger.exception("the condition of %s could not be looked at", root.name.fqn)

    # -- runs ---------------------------------------------------------------------------------------------------------

    def execute(self, root: Task, config: str | None = None) -> None:
        """Run the graph of a root once, now; or as soon as its present run is over, if runs may not overlap.

        ``config`` is JSON for this run only, merged over the root's.
        """
        with self._lock:
            launch = lambda: self._launch(root, datetime.now(UTC), history.EXECUTE, config)  # noqa: E731
            if self._may_start(root):
                launch()
            else:
                self._queued[root.props.id] = launch

    def retry(self, record: GraphRecord) -> None:
        """Run the failed tasks of a graph's last run again, and what follows from them."""
        with self._lock:
            run, _ = recovered_run(record, self.history.tasks_of(record.group_id), datetime.now(UTC))
            run.progress.retry()
            if run.graph.finalizer:
                run.progress.states[run.graph.finalizer] = State.WAITING
            self.history.next_attempt(run.next_attempt(datetime.now(UTC), history.MANUAL_RETRY), run.record)
            run.progress.attempt = run.record.attempt
            self._resume(run)

    def running(self, name: Name) -> list[RunningTask]:
        """The runs of a task that are under way."""
        return [task for task in list(self._tasks.values()) if task.name == name]

    def _resume(self, run: Run) -> None:
        self._runs[run.record.group_id] = run
        self._advance(run)

    def _may_start(self, root: Task) -> bool:
        """Whether the overlap policy allows another run of a root now."""
        active, policy = self._active(root.props.id), overlap_policy(root.props.settings)
        root_runs = any(r.progress.states[r.graph.root] == State.EXECUTING for r in active)
        return not active or policy == "ALLOW_ALL_OVERLAP" or (policy == "ALLOW_CHILD_OVERLAP" and not root_runs)

    def _active(self, root_id: str) -> list[Run]:
        return [run for run in self._runs.values() if run.record.root_id == root_id]

    def _launch(self, root: Task, at: datetime, scheduled_from: str, config: str | None = None) -> None:
        graph = graphs_of(self._catalog, root.name).graph(root.name.name)
        now = datetime.now(UTC)
        run = new_run(graph, root.props.id, self.history.new_id(), at, scheduled_from, merged(graph.config, config))
        run.start_attempt(now)
        run.record.next_scheduled_time = next_due(root, max(at, now), root.props.resumed_on or now)
        self.history.add(run.record)
        self._timetable.ran(root, now)
        self._resume(run)

    def _advance(self, run: Run) -> None:
        """Start the tasks of a run that may start, or end its attempt."""
        while not self._stopping:
            for name in run.progress.ready():
                run.progress.started(name)
                self._submit(run, name)
            if not run.progress.attempt_over:
                return
            if not run.progress.may_retry:
                self._finish(run)
                return
            now = datetime.now(UTC)
            run.progress.retry()
            self.history.next_attempt(run.next_attempt(now, history.AUTOMATIC_RETRY), run.record)

    def _submit(self, run: Run, name: str) -> None:
        node, graph = run.graph.nodes[name], run.record
        at = graph.scheduled_time if name == run.graph.root else datetime.now(UTC)
        record = TaskRecord(
            graph.group_id, graph.attempt, name, node.id, str(uuid.uuid4()), node.definition, node.condition, at
        )
        self.history.add(record)
        self._pool.submit(self._work, run, RunningTask(run, node, record, 0.0, 0.0))

    def _work(self, run: Run, task: RunningTask) -> None:
        """Execute a task, in a thread of the pool."""
        if self._stopping:
            return
        task.deadline, task.limit = run.deadline_of(task.node.name)
        task.record.state, task.record.query_start_time = str(State.EXECUTING), datetime.now(UTC)
        self.history.save(task.record)
        self._tasks[task.record.query_id] = task
        self._signal.set()
        try:
            state = self._executor.execute(task)
            with self._lock:
                if self._stopping and state == State.FAILED:
                    return
                self._task_over(run, task, state)
        except Exception:
            logger.exception("the run of %s could not be recorded", task.name.fqn)
        finally:
            self._tasks.pop(task.record.query_id, None)

    def _task_over(self, run: Run, task: RunningTask, state: State) -> None:
        run.progress.finished(task.node.name, state)
        task.record.state = str(state)
        if task.record.return_value is not None:
            run.values[task.node.name] = task.record.return_value
        if state == State.FAILED and not run.progress.may_retry and not run.counted:
            run.counted = True
            if self._failures.count_failure(run):
                task.record.state = "FAILED_AND_AUTO_SUSPENDED"
        self.history.save(task.record)
        self._advance(run)

    def _finish(self, run: Run) -> None:
        run.record.state, run.record.completed = str(run.progress.outcome), datetime.now(UTC)
        self.history.save(run.record)
        del self._runs[run.record.group_id]
        if run.progress.outcome == State.SUCCEEDED:
            self._failures.count_success(run)
        if queued := self._queued.pop(run.record.root_id, None):
            queued()
        self._timetable.run_over(run.record.root_id)
        self._signal.set()


def merged(default: str | None, override: str | None) -> str | None:
    """The configuration of a run: the statement's fields over those of the root's CONFIG."""
    if not override:
        return default
    return json.dumps(json.loads(default or "{}") | json.loads(override))
