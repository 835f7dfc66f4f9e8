"""Waits for the native tasks, and reports what they did."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, cast

from tenacity import RetryError, Retrying, retry_if_result, stop_after_delay, wait_fixed

from snowloop.errors import ScoringError
from snowloop.lifecycle.data.contract import row_fails
from snowloop.lifecycle.data.tables import load_time
from snowloop.lifecycle.results import Result
from snowloop.lifecycle.scoring.desired import STATEMENTS, joined_to_wait_for
from snowloop.lifecycle.scoring.names import ROOT, Names, names
from snowloop.lifecycle.scoring.observed import has_data
from snowloop.lifecycle.scoring.task_runs import GraphRun, TaskRun, graph_runs, in_utc, root_task, under_way
from snowloop.project import Project
from snowloop.sql import clock, run
from snowloop.workspace import Workspace

if TYPE_CHECKING:
    from snowflake.snowpark import Session

POLL_SECONDS = 0.5


@dataclass(frozen=True)
class Scores(Result):
    """What the native tasks did.

    Args:
        runs: Runs of the scoring procedure.
        rows: New rows that they read.
        scored: Rows scored.
        quarantined: Rows quarantined.
        model_versions: The versions that scored.
        waited_seconds: How long the wait was.
    """

    runs: int
    rows: int
    scored: int
    quarantined: int
    model_versions: tuple[str, ...]
    waited_seconds: float

    def summary(self) -> dict[str, int | float | str]:
        """Counts of runs and rows, and the version."""
        counts: dict[str, int | float | str] = {
            "runs": self.runs,
            "rows": self.rows,
            "scored": self.scored,
            "quarantined": self.quarantined,
        }
        return {**counts, "version": ", ".join(self.model_versions)} if self.runs else counts


def await_scores(workspace: Workspace, *, timeout: float, since: datetime | str | None = None) -> Scores:
    """Wait until every row that is there now is scored or quarantined, and the run of the graph that did it is over.

    Rows that arrive meanwhile, and the runs that they bring about, are not waited for.

    Args:
        timeout: Longest wait in seconds.
        since: Runs that ended since then are reported, a time in UTC or its ISO text, such as a load's
            ``started_at``; None: since the last file of the source was loaded.

    Returns:
        What the runs did.

    Raises:
        ScoringError: if a task failed as often as it is retried, is suspended, or the time is up.
    """
    session, named = workspace.session, names(workspace.project, workspace.target)
    arrived, since = clock(session), reporting_start(workspace, since)
    unanswered = retry_if_result(lambda scores: scores is None)
    waiting = Retrying(retry=unanswered, stop=stop_after_delay(timeout), wait=wait_fixed(POLL_SECONDS))
    try:
        return cast("Scores", waiting(scores_of, workspace, arrived=arrived, since=since))
    except RetryError as error:
        pending = has_data(session, named.stream)
        state = "the stream still holds rows" if pending else "the run of the graph is not over"
        waiting_for = waiting_rows(workspace) if pending else ()
        state += f" ({'; '.join(waiting_for)})" if waiting_for else ""
        runs = graph_runs(session, named.database, root_task(session, named.database))
        message = (
            f"timed out after {timeout:g} s waiting for scores of {workspace.project.name} in {workspace.target}: "
            f"{state}; last runs of {named.root}: {_words(runs)}"
        )
        raise ScoringError(message) from error


def waiting_rows(workspace: Workspace) -> tuple[str, ...]:
    """For which joined sources new rows in the stream have to wait, in words; none where none is to be waited for."""
    project, named = workspace.project, names(workspace.project, workspace.target)
    waits = joined_to_wait_for(project, named.database)
    if not waits:
        return ()
    values = {"stream": named.changes, "delta": project.serving.corrections, "fails": row_fails(project)}
    event_time = project.streamed.event_time
    rows = workspace.run(f"{STATEMENTS}#waiting_rows", waits=waits, event_time=event_time, **values)
    return tuple(f"{row['N']:,} new rows wait for {row['SOURCE']}, which is at {row['REACHED']} UTC" for row in rows)


def reporting_start(workspace: Workspace, since: datetime | str | None) -> datetime:
    """From when on runs are reported: a time, or its ISO text; None: when the last file of the source was loaded.

    Of a table that others fill: when its last row was loaded, if that is declared; else all runs.
    """
    if since is None:
        project = workspace.project
        loaded = load_time(project.streamed, workspace.database, project.source, workspace.target)
        moment, table = loaded or (None, project.table)
        query = "last_row_loaded" if moment else "last_load"
        since = str(workspace.run(f"scoring/queries.sql#{query}", moment=moment, table=table)[0]["AT"])
    return in_utc(datetime.fromisoformat(since) if isinstance(since, str) else since)


def scores_of(workspace: Workspace, *, arrived: datetime, since: datetime) -> Scores | None:
    """What the tasks did with the rows that had arrived by a moment, once all of them are scored or quarantined.

    They are when the stream is empty, or a scoring run that began later has succeeded; and the runs of the graph that
    were under way then are over.

    Args:
        arrived: The moment, by Snowflake's clock.
        since: Runs that ended since then are reported.

    Returns:
        What the runs did; None while rows are not scored yet.

    Raises:
        ScoringError: if a task failed as often as it is retried, or is suspended.
    """
    session = workspace.session
    named = names(workspace.project, workspace.target)
    consumed = _consumed_at(session, named, arrived)
    if consumed is None:
        _raise_if_stuck(session, workspace.project, named, arrived)
        return None
    if any(each.began <= consumed for each in under_way(session, named.database)):
        return None
    waited = (clock(session) - arrived).total_seconds()
    return _scores(session, named, _timestamp(since), waited)


def _consumed_at(session: "Session", named: Names, arrived: datetime) -> datetime | None:
    """When the rows that had arrived by a moment had left the stream: a run that begins later consumes all of them."""
    if not has_data(session, named.stream):
        return clock(session)
    values = {"database": named.database, "since": _timestamp(arrived)}
    ended = run(session, "scoring/queries.sql#first_run_since", **values)[0]["ENDED"]
    return in_utc(ended) if ended else None


def _timestamp(moment: datetime) -> str:
    return in_utc(moment).replace(tzinfo=None).isoformat(sep=" ")


def _raise_if_stuck(session: "Session", project: Project, named: Names, arrived: datetime) -> None:
    root = root_task(session, named.database)
    runs = graph_runs(session, named.database, root)
    failed = [task for each in runs for task in each.tasks if task.name == ROOT and task.failed]
    recent = [task for task in failed if (task.ended or task.began) >= arrived]
    if len(recent) > project.serving.retry_attempts:
        message = f"{named.root} failed: {_error(recent)}"
        raise ScoringError(message)
    state = str(root["state"]).lower() if root else "missing"
    if state != "started":
        message = f"{named.root} is {state}, so the rows in {named.stream} stay there: deploy scoring again"
        if failed:
            message += f". Its last failure: {_error(failed)}"
        raise ScoringError(message)


def _error(failed: list[TaskRun]) -> str:
    last = max(failed, key=lambda task: task.ended or task.began)
    return last.error or last.state


def _words(runs: list[GraphRun]) -> str:
    tasks = [task for each in runs for task in reversed(each.tasks)]
    return ", ".join(f"{task.name} {task.state}" for task in tasks[:4]) or "none"


def _scores(session: "Session", named: Names, since: str, waited: float) -> Scores:
    rows = run(session, "scoring/queries.sql#runs_since", database=named.database, since=since)
    versions = tuple(sorted({str(row["MODEL_VERSION"]) for row in rows}))
    read, scored, quarantined = (
        sum(int(row[name]) for row in rows) for name in ("ROWS_READ", "ROWS_SCORED", "ROWS_QUARANTINED")
    )
    return Scores(len(rows), read, scored, quarantined, versions, round(waited, 1))


def stream_has_data(workspace: Workspace) -> bool | None:
    """True if the stream holds rows that were not scored, else None."""
    return True if has_data(workspace.session, names(workspace.project, workspace.target).stream) else None


def backlog_below(workspace: Workspace, *, rows: int) -> int | None:
    """The number of rows in the stream if it is below ``rows``, else None."""
    stream = names(workspace.project, workspace.target).stream
    backlog = int(workspace.run("scoring/queries.sql#count_pending", stream=stream)[0]["N"])
    return backlog if backlog < rows else None


def run_finished(workspace: Workspace, *, since: str) -> dict[str, str] | None:
    """How the last run of the graph that is over ended, of those that began at or after a moment; None: there is none.

    Args:
        since: The moment by Snowflake's clock, ISO text; UTC if it names no zone. A run that never began counts by
            the time at which it was due.

    Returns:
        ``graph_run`` and ``state``, which is SUCCEEDED.

    Raises:
        ScoringError: if a task of the run failed or was cancelled.
    """
    named, moment = names(workspace.project, workspace.target), in_utc(datetime.fromisoformat(since))
    runs = graph_runs(workspace.session, named.database, root_task(workspace.session, named.database))
    last = next((each for each in runs if each.over and each.began >= moment), None)
    if last is None:
        return None
    if last.failure:
        message = f"the run {last.id} of the graph of {named.root} failed: {last.failure}"
        raise ScoringError(message)
    return {"graph_run": last.id, "state": "SUCCEEDED"}


def scores_taken(workspace: Workspace, *, arrived: str, since: str) -> dict[str, Any] | None:
    """``scores_of`` with times as ISO text and the result as JSON can hold it."""
    moments = {name: in_utc(datetime.fromisoformat(text)) for name, text in (("arrived", arrived), ("since", since))}
    scores = scores_of(workspace, **moments)
    return None if scores is None else scores.to_dict()


QUESTIONS: dict[str, Callable[..., Any]] = {
    "stream_has_data": stream_has_data,
    "run_finished": run_finished,
    "backlog_below": backlog_below,
    "scores_taken": scores_taken,
}
"""What a trigger may wait for: a function answers None while it has to wait."""
