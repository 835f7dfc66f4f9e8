"""Runs of the task graph as Snowflake records them: which are under way, and how the last ones ended."""

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
LIMIT = 300
"""How many runs of tasks are read, the latest ones."""


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
        state: As TASK_HISTORY has it.
        error: Snowflake's message of a failure.
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

    def __str__(self) -> str:
        """Task, state and error, for people."""
        return f"{self.name} {self.state}{f': {self.error}' if self.error else ''}"


@dataclass(frozen=True)
class GraphRun:
    """One run of the graph with all its attempts.

    Args:
        id: Its id.
        tasks: Attempts to run its tasks, the oldest first.
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
        database: The project's database.

    Returns:
        The runs.

    Raises:
        snowflake.snowpark.exceptions.SnowparkSQLException: if Snowflake does not answer.
    """
    rows = run(session, "scoring/queries.sql#runs_under_way", database=database, root=ROOT)
    return [UnderWay(str(row["ROOT_TASK_ID"]), str(row["GRAPH_RUN"]), in_utc(row["BEGAN"])) for row in rows]


def statements_under_way(session: "Session", database: str) -> list[str | None]:
    """The statements that the roots of the runs under way execute; None where it is unknown.

    A run keeps the version of the graph with which it began, also in its retries.

    Args:
        database: The project's database.

    Returns:
        The statement of each run.

    Raises:
        snowflake.snowpark.exceptions.SnowparkSQLException: if Snowflake does not answer.
    """
    statements: list[str | None] = []
    for each in under_way(session, database):
        values = {"root_id": each.root_id, "graph_run": each.graph_run, "root": ROOT}
        rows = run(session, "scoring/queries.sql#statement_of_run", database=database, **values)
        statements.append(str(rows[0]["QUERY_TEXT"]) if rows else None)
    return statements


def root_task(session: "Session", database: str) -> dict[str, Any] | None:
    """The row of SHOW TASKS for the root of a project's graph; None if it does not exist."""
    rows = show(session, f"SHOW TASKS LIKE '{ROOT}' IN SCHEMA {identifier(database, 'SERVING')}")
    return next((row for row in rows if row["name"] == ROOT), None)


def graph_runs(session: "Session", database: str, root: Mapping[str, Any] | None) -> list[GraphRun]:
    """The last runs of the present graph, the latest first, without skipped ones.

    Args:
        database: The project's database.
        root: The row of SHOW TASKS for its root; None if there is none.

    Returns:
        The runs; not those of a graph that was replaced since: its root had another id.

    Raises:
        snowflake.snowpark.exceptions.SnowparkSQLException: if Snowflake does not answer.
    """
    if root is None:
        return []
    current = {each.graph_run for each in under_way(session, database)}
    values = {"root_id": str(root["id"]), "root": ROOT, "count": LIMIT}
    attempts: dict[str, list[TaskRun]] = {}
    for row in run(session, "scoring/queries.sql#task_history", database=database, **values):
        attempts.setdefault(str(row["GRAPH_RUN"]), []).append(_task_run(row.as_dict()))
    runs = []
    for graph_run, tasks in attempts.items():
        ordered = tuple(sorted(tasks, key=lambda task: (task.attempt, task.began)))
        over = graph_run not in current and not any(task.state in OPEN for task in ordered)
        runs.append(GraphRun(graph_run, ordered, over))
    return sorted(runs, key=lambda each: each.began, reverse=True)


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
    """A time in UTC; one without a zone is read as UTC."""
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
