"""Runs of the task graph as Snowflake tells them: which are under way, and what became of the last ones."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from snowloop.lifecycle.scoring.names import GRAPH, ROOT
from snowloop.lifecycle.versions import show
from snowloop.sql import identifier, run

if TYPE_CHECKING:
    from snowflake.snowpark import Session

FAILED = ("FAILED", "FAILED_AND_AUTO_SUSPENDED", "CANCELLED")
OPEN = ("SCHEDULED", "EXECUTING")
TOLD = 300
"""Runs of tasks that are told at most, the latest ones."""


@dataclass(frozen=True)
class UnderWay:
    """A run of the graph that is not over.

    Args:
        root_id: Id of its root task; another than the present one's if the root was replaced since.
        graph_run: Id of the run.
        began: When it began, in UTC; when it was due if it has not begun.
    """

    root_id: str
    graph_run: str
    began: datetime


@dataclass(frozen=True)
class TaskRun:
    """One attempt to run one task.

    Args:
        name: The task.
        state: As TASK_HISTORY tells it.
        error: What Snowflake says of a failure.
        attempt: Number of the attempt.
        began: When it began, in UTC; when it was due if it never began.
        ended: When it ended; None while it has not.
    """

    name: str
    state: str
    error: str
    attempt: int
    began: datetime
    ended: datetime | None

    @property
    def failed(self) -> bool:
        """Whether it failed, ran out of time or was cancelled."""
        return self.state in FAILED

    def words(self) -> str:
        """Task, state and error, for people."""
        return f"{self.name} {self.state}{f': {self.error}' if self.error else ''}"


@dataclass(frozen=True)
class GraphRun:
    """One run of the graph with all its attempts.

    Args:
        id: Its id.
        tasks: Attempts of its tasks, the oldest first.
        over: Whether it is over.
    """

    id: str
    tasks: tuple[TaskRun, ...]
    over: bool

    @property
    def began(self) -> datetime:
        """When its first task began, or was due if it never began."""
        return min(task.began for task in self.tasks)

    @property
    def failure(self) -> TaskRun | None:
        """The first task, in the order of the graph, whose last attempt failed."""
        last = {task.name: task for task in self.tasks}
        return next((last[name] for name in GRAPH if name in last and last[name].failed), None)


def under_way(session: "Session", database: str) -> list[UnderWay]:
    """Runs of a project's graph that are under way, or due and about to begin.

    A graph that is between two of its tasks is under way, though no task is executing:
    https://docs.snowflake.com/en/sql-reference/functions/current_task_graphs

    Args:
        session: A Snowpark session.
        database: The project's database.

    Returns:
        The runs.

    Raises:
        snowflake.snowpark.exceptions.SnowparkSQLException: if Snowflake does not answer.
    """
    rows = run(session, "inference/runs_under_way.sql", database=database, root=ROOT)
    return [UnderWay(str(row["ROOT_TASK_ID"]), str(row["GRAPH_RUN"]), in_utc(row["BEGAN"])) for row in rows]


def calls(session: "Session", database: str) -> list[str | None]:
    """What the roots of the runs under way execute; None of one that does not tell.

    A run keeps to the version of the graph with which it began, and so does each of its attempts.

    Args:
        session: A Snowpark session.
        database: The project's database.

    Returns:
        The statement of each run.

    Raises:
        snowflake.snowpark.exceptions.SnowparkSQLException: if Snowflake does not answer.
    """
    found: list[str | None] = []
    for each in under_way(session, database):
        values = {"root_id": each.root_id, "graph_run": each.graph_run, "root": ROOT}
        rows = run(session, "inference/calls_of_run.sql", database=database, **values)
        found.append(str(rows[0]["QUERY_TEXT"]) if rows else None)
    return found


def root_task(session: "Session", database: str) -> dict[str, Any] | None:
    """The row of SHOW TASKS for the root of a project's graph; None if it is not there."""
    rows = show(session, f"SHOW TASKS LIKE '{ROOT}' IN SCHEMA {identifier(database, 'SERVING')}")
    return next((row for row in rows if row["name"] == ROOT), None)


def graph_runs(session: "Session", database: str, root: Mapping[str, Any] | None) -> list[GraphRun]:
    """The last runs of a graph as it is now, the latest first; runs that were skipped are none.

    Args:
        session: A Snowpark session.
        database: The project's database.
        root: The row of SHOW TASKS for its root; None if there is none.

    Returns:
        The runs; none of a graph that was replaced: its root had another id.

    Raises:
        snowflake.snowpark.exceptions.SnowparkSQLException: if Snowflake does not answer.
    """
    if root is None:
        return []
    going = {each.graph_run for each in under_way(session, database)}
    values = {"root_id": str(root["id"]), "root": ROOT, "count": TOLD}
    found: dict[str, list[TaskRun]] = {}
    for row in run(session, "inference/task_history.sql", database=database, **values):
        found.setdefault(str(row["GRAPH_RUN"]), []).append(_task_run(row.as_dict()))
    made = []
    for graph_run, tasks in found.items():
        ordered = tuple(sorted(tasks, key=lambda task: (task.attempt, task.began)))
        over = graph_run not in going and not any(task.state in OPEN for task in ordered)
        made.append(GraphRun(graph_run, ordered, over))
    return sorted(made, key=lambda each: each.began, reverse=True)


def _task_run(row: Mapping[str, Any]) -> TaskRun:
    began, ended = row["QUERY_START_TIME"] or row["SCHEDULED_TIME"], row["COMPLETED_TIME"]
    return TaskRun(
        str(row["NAME"]),
        str(row["STATE"]),
        str(row["ERROR_MESSAGE"] or ""),
        int(row["ATTEMPT_NUMBER"] or 1),
        in_utc(began),
        in_utc(ended) if ended else None,
    )


def in_utc(moment: datetime) -> datetime:
    """A moment in UTC; one without a zone is taken for UTC."""
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
