"""Waits for the native tasks, and says what they did."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from snowloop.errors import ScoringError
from snowloop.lifecycle.inference.deploy import task_runs
from snowloop.lifecycle.inference.objects import FINALIZER, ROOT, Names, names
from snowloop.lifecycle.models import show
from snowloop.lifecycle.results import Result
from snowloop.project import Project
from snowloop.sql import identifier, literal, run

if TYPE_CHECKING:
    from snowflake.snowpark import Session

POLL_SECONDS = 0.5
FAILED = ("FAILED", "FAILED_AND_AUTO_SUSPENDED", "CANCELLED")


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


def await_scores(
    session: "Session", project: Project, target: str, *, timeout: float, since: datetime | str | None = None
) -> Scores:
    """Wait until the tasks have emptied the stream and the run of the graph is over.

    Args:
        session: A Snowpark session.
        project: The project.
        target: The environment.
        timeout: Longest wait in seconds.
        since: Runs that ended since then are told, a time in UTC or its ISO text, such as a load's ``started_at``;
            None: since the last file of the source was loaded.

    Returns:
        What the runs did.

    Raises:
        ScoringError: if a task failed as often as it is retried, is suspended, or the time is over.
    """
    named = names(project, target)
    begun, began_at = time.monotonic(), datetime.now(UTC)
    from_time = _since(session, project, named, since)
    while True:
        history = task_runs(session, named)
        pending = _has_data(session, named)
        if not pending and _settled(history):
            return _scores(session, named, from_time, time.monotonic() - begun)
        if pending:
            _raise_if_stuck(session, project, named, history, began_at)
        if time.monotonic() - begun > timeout:
            state = "the stream still holds rows" if pending else "the run of the graph is not over"
            message = f"{named.root}: after {timeout:g} s {state}; last runs: {_words(history)}"
            raise ScoringError(message)
        time.sleep(POLL_SECONDS)


def _since(session: "Session", project: Project, named: Names, since: datetime | str | None) -> str:
    if since is None:
        text = str(run(session, "inference/last_load.sql", database=named.database, table=project.table)[0]["AT"])
    else:
        moment = datetime.fromisoformat(since) if isinstance(since, str) else since
        text = _utc(moment).replace(tzinfo=None).isoformat(sep=" ")
    return f"{literal(text)}::TIMESTAMP_NTZ"


def _has_data(session: "Session", named: Names) -> bool:
    answer = session.sql(f"SELECT SYSTEM$STREAM_HAS_DATA({literal(named.stream)}) AS PENDING").collect()[0][0]
    return str(answer).lower() == "true"


def _settled(history: list[Mapping[str, Any]]) -> bool:
    """No task is at work, and the finalizer has followed the last run of the root."""
    if any(each["STATE"] == "EXECUTING" for each in history):
        return False
    roots = [each for each in history if each["NAME"] == ROOT and each["COMPLETED_TIME"]]
    if not roots:
        return True
    last = max(roots, key=lambda each: each["COMPLETED_TIME"])
    return any(each["NAME"] == FINALIZER and each["GRAPH_RUN"] == last["GRAPH_RUN"] for each in history)


def _raise_if_stuck(
    session: "Session", project: Project, named: Names, history: list[Mapping[str, Any]], began_at: datetime
) -> None:
    roots = [each for each in history if each["NAME"] == ROOT and each["COMPLETED_TIME"]]
    failed = [each for each in roots if each["STATE"] in FAILED]
    recent = [each for each in failed if _utc(each["COMPLETED_TIME"]) >= began_at]
    if len(recent) > project.serving.retry_attempts:
        message = f"{named.root} failed: {_error(recent)}"
        raise ScoringError(message)
    schema = identifier(named.database, "SERVING")
    (task,) = show(session, f"SHOW TASKS LIKE '{ROOT}' IN SCHEMA {schema}") or [{"state": "missing"}]
    if str(task["state"]).lower() != "started":
        message = f"{named.root} is {task['state']}, so the rows in {named.stream} stay there: deploy scoring again"
        if failed:
            message += f". Its last failure: {_error(failed)}"
        raise ScoringError(message)


def _utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _error(failed: list[Mapping[str, Any]]) -> str:
    last = max(failed, key=lambda each: each["COMPLETED_TIME"])
    return str(last["ERROR_MESSAGE"] or last["STATE"])


def _words(history: list[Mapping[str, Any]]) -> str:
    return ", ".join(f"{each['NAME']} {each['STATE']}" for each in history[:4]) or "none"


def _scores(session: "Session", named: Names, since: str, waited: float) -> Scores:
    rows = run(session, "inference/runs_since.sql", database=named.database, since=since)
    versions = tuple(sorted({str(row["MODEL_VERSION"]) for row in rows}))
    read, scored, quarantined = (
        sum(int(row[name]) for row in rows) for name in ("ROWS_READ", "ROWS_SCORED", "ROWS_QUARANTINED")
    )
    return Scores(len(rows), read, scored, quarantined, versions, round(waited, 1))


def stream_has_data(session: "Session", project: Project, target: str) -> bool | None:
    """Whether the stream holds rows that were not scored: True, or None while it does not."""
    return True if _has_data(session, names(project, target)) else None


def backlog_below(session: "Session", project: Project, target: str, *, rows: int) -> int | None:
    """The number of rows that wait in the stream if it is below ``rows``, else None."""
    backlog = int(run(session, "inference/count_pending.sql", stream=names(project, target).stream)[0]["N"])
    return backlog if backlog < rows else None


def run_finished(session: "Session", project: Project, target: str, *, since: str) -> dict[str, str] | None:
    """How the last run of the graph ended that began at or after a moment, or None while there is none.

    Args:
        session: A Snowpark session.
        project: The project.
        target: The environment.
        since: The moment, ISO text; UTC if it names no zone.

    Returns:
        ``graph_run`` and ``state``, once the finalizer has followed.

    Raises:
        ScoringError: if the run failed.
    """
    named, moment = names(project, target), _utc(datetime.fromisoformat(since))
    history = task_runs(session, named)
    roots = [each for each in history if each["NAME"] == ROOT and _utc(each["QUERY_START_TIME"]) >= moment]
    if not roots or not _settled(history):
        return None
    last = max(roots, key=lambda each: each["COMPLETED_TIME"])
    if last["STATE"] in FAILED:
        message = f"{named.root} failed: {_error([last])}"
        raise ScoringError(message)
    return {"graph_run": str(last["GRAPH_RUN"]), "state": str(last["STATE"])}


QUESTIONS: dict[str, Callable[..., Any]] = {
    "stream_has_data": stream_has_data,
    "run_finished": run_finished,
    "backlog_below": backlog_below,
}
"""What a trigger may ask; None is no answer yet."""
