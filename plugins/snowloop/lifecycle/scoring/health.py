"""Looks at the stream and the task graph, and says what is wrong and what to do; nothing is changed."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from snowloop.lifecycle.results import Result
from snowloop.lifecycle.scoring.challenger import last_challenge
from snowloop.lifecycle.scoring.consumers import other_consumers
from snowloop.lifecycle.scoring.findings import backlog_findings, task_findings
from snowloop.lifecycle.scoring.names import Names, names, stream_name
from snowloop.lifecycle.scoring.observed import is_stale, unfinished_recovery
from snowloop.lifecycle.versions import challenger, champion, show
from snowloop.project import Project
from snowloop.sql import identifier, run
from snowloop.workspace import Workspace

if TYPE_CHECKING:
    from snowflake.snowpark import Session

SOON_DAYS = 2.0
RECOVER = "run `snowloop recover`, or the DAG {project}__health with its field for recovery on"


@dataclass(frozen=True)
class StreamHealth(Result):
    """The health of a scoring loop.

    Args:
        stale: Whether the stream can no longer be read, or is not there.
        days_to_stale: Days until it will be stale if nothing reads it, where known.
        backlog: Rows that wait in it, where it can be read.
        oldest_seconds: Age of the oldest load that waits, where known.
        consumers: Tasks that read the stream.
        findings: What is wrong and what to do, in words; empty: nothing.
    """

    stale: bool
    days_to_stale: float | None
    backlog: int | None
    oldest_seconds: int | None
    consumers: tuple[str, ...]
    findings: tuple[str, ...]

    def summary(self) -> dict[str, int | float | str]:
        """The figures that are known."""
        known: dict[str, int | float | str | None] = {
            "backlog": self.backlog,
            "days to stale": self.days_to_stale,
            "oldest seconds": self.oldest_seconds,
            "findings": len(self.findings),
        }
        return {name: value for name, value in known.items() if value is not None}


def stream_health(workspace: Workspace) -> StreamHealth:
    """Look at the stream and the tasks of a project's scoring loop; nothing is changed.

    Args:
        workspace: Session, project and environment.

    Returns:
        Figures and findings.

    Raises:
        snowflake.snowpark.exceptions.SnowparkSQLException: if the environment is not there.
    """
    session, project = workspace.session, workspace.project
    named = names(project, workspace.target)
    stream = _stream(session, project, named)
    tasks = show(session, "SHOW TASKS IN ACCOUNT")
    others = other_consumers(tasks, named.database, stream_name(project))
    findings = [f"task {task} names {named.stream} too, so each gets only a part: give it a stream" for task in others]
    findings += [*task_findings(session, project, named, tasks), *_challenger_findings(workspace)]
    findings += _champion_findings(workspace)
    recover = RECOVER.format(project=project.name)
    begun = unfinished_recovery(session, named.database)
    if begun:
        findings.insert(0, f"{begun.words}, rows that were lost are not scored: {recover}")
    if stream is None:
        lost = f", rows that arrived since it was dropped are not scored: {recover}; then deploy scoring"
        what = f"{named.stream} is not there{lost if _served(session, named) else ': deploy scoring'}"
        return StreamHealth(True, None, None, None, others, (what, *findings))
    if is_stale(stream):
        findings.insert(0, f"{named.stream} is stale, new rows are not scored: {recover}")
        return StreamHealth(True, 0.0, None, None, others, tuple(findings))
    days = _days(stream.get("stale_after"))
    if days is not None and days < SOON_DAYS:
        findings.append(f"{named.stream} will be stale in {days:.1f} days: let the task {named.root} run before that")
    backlog = int(run(session, "inference/count_pending.sql", stream=named.stream)[0]["N"])
    age = None
    if backlog:
        found = run(session, "health/oldest_pending.sql", database=named.database, table=project.table)[0]["AGE"]
        age = None if found is None else int(found)
    findings += backlog_findings(project, named, age)
    return StreamHealth(False, days, backlog, age, others, tuple(findings))


def _stream(session: "Session", project: Project, named: Names) -> dict[str, Any] | None:
    schema = identifier(named.database, "RAW")
    rows = show(session, f"SHOW STREAMS LIKE '{stream_name(project)}' IN SCHEMA {schema}")
    return rows[0] if rows else None


def _served(session: "Session", named: Names) -> bool:
    """Whether the loop was deployed before: then a new stream would lose rows."""
    return bool(show(session, f"SHOW TABLES LIKE 'BASELINE' IN SCHEMA {identifier(named.database, 'SERVING')}"))


def _days(stale_after: datetime | None) -> float | None:
    if not isinstance(stale_after, datetime):
        return None
    moment = stale_after if stale_after.tzinfo else stale_after.replace(tzinfo=UTC)
    return round((moment - datetime.now(UTC)).total_seconds() / 86_400, 2)


def _challenger_findings(workspace: Workspace) -> list[str]:
    """A declared challenger that does not score, or could not in its last run."""
    plan, now = workspace.project.serving.challenger, challenger(workspace)
    if plan is None or now is None:
        return []
    schema = identifier(workspace.database, "OPS")
    if not show(workspace.session, f"SHOW TABLES LIKE 'CHALLENGES' IN SCHEMA {schema}"):
        return [f"challenger {now.name} ({plan.mode}) does not score, {schema}.CHALLENGES is not there: deploy scoring"]
    last = last_challenge(workspace.session, workspace.database, now.name)
    if last is None or not last["ERROR"]:
        return []
    text = f"challenger {now.name} ({plan.mode}) could not score in the last run, the champion scored alone: "
    text += f"{last['ERROR']}; mend the cause, or take it away: snowloop withdraw --project {workspace.project.name}"
    return [text]


def _champion_findings(workspace: Workspace) -> list[str]:
    """A model that has no version to score with."""
    if champion(workspace) is not None:
        return []
    where = f"{workspace.project.name} has no champion in {workspace.target}"
    return [f"{where} to score with: train and promote one, then deploy scoring"]
