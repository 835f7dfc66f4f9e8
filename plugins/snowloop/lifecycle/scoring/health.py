"""Health of the stream and the task graph: figures, and findings that say what is wrong and what to do."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from snowloop.command_line import command
from snowloop.lifecycle.data.tables import load_time
from snowloop.lifecycle.results import Result
from snowloop.lifecycle.scoring.challenger import CHALLENGES, last_challenge
from snowloop.lifecycle.scoring.names import GRAPH, ROOT, Names, names, stream_name
from snowloop.lifecycle.scoring.observed import ObservedState, is_stale, observe_environment, other_consumers
from snowloop.lifecycle.scoring.task_runs import GraphRun, TaskRun, graph_runs
from snowloop.lifecycle.versions import show
from snowloop.project import Project, in_words
from snowloop.sql import identifier, run
from snowloop.workspace import Workspace

SOON_DAYS = 2.0
RECOVER = "run `snowloop recover`, or the DAG {project}__health with its field for recovery on"


@dataclass(frozen=True)
class StreamHealth(Result):
    """The health of a scoring loop.

    Args:
        stale: Whether the stream can no longer be read, or does not exist.
        days_to_stale: Days until it will be stale if nothing reads it, where known.
        backlog: Rows in it, where it can be read.
        oldest_seconds: Age of the oldest load that was not scored, where known.
        consumers: Other tasks that read the stream.
        findings: What is wrong and what to do; empty: nothing.
    """

    stale: bool
    days_to_stale: float | None
    backlog: int | None
    oldest_seconds: int | None
    consumers: tuple[str, ...]
    findings: tuple[str, ...]

    def summary(self) -> dict[str, int | float | str]:
        """The figures that are known."""
        figures: dict[str, int | float | str | None] = {
            "backlog": self.backlog,
            "days to stale": self.days_to_stale,
            "oldest seconds": self.oldest_seconds,
            "findings": len(self.findings),
        }
        return {name: value for name, value in figures.items() if value is not None}


def stream_health(workspace: Workspace) -> StreamHealth:
    """Look at the stream and the tasks of a project's scoring loop; nothing is changed.

    Returns:
        Figures and findings.

    Raises:
        DeploymentError: if the environment does not exist.
        snowflake.snowpark.exceptions.SnowparkSQLException: if Snowflake does not answer.
    """
    session, project = workspace.session, workspace.project
    named, observed = names(project, workspace.target), observe_environment(workspace)
    consumers = other_consumers(observed.other_tasks, named.database, stream_name(project))
    findings = [f"task {task} names {named.stream} too, so each gets a part: give it a stream" for task in consumers]
    runs = graph_runs(session, named.database, observed.tasks.get(ROOT))
    findings += task_findings(project, named, observed, runs)
    findings += [*_challenger_findings(workspace, observed), *_champion_findings(workspace, observed)]
    recover = RECOVER.format(project=project.name)
    if observed.recovery:
        findings.insert(0, f"{observed.recovery}, rows that were lost are not scored: {recover}")
    stream = observed.streams.get(stream_name(project))
    if stream is None:
        lost = f", rows that arrived since it was dropped are not scored: {recover}; then deploy scoring"
        served = "SERVING.BASELINE" in observed.tables
        missing = f"{named.stream} does not exist{lost if served else ': deploy scoring'}"
        return StreamHealth(True, None, None, None, consumers, (missing, *findings))
    if is_stale(stream):
        findings.insert(0, f"{named.stream} is stale, new rows are not scored: {recover}")
        return StreamHealth(True, 0.0, None, None, consumers, tuple(findings))
    days = _days(stream.get("stale_after"))
    if days is not None and days < SOON_DAYS:
        findings.append(f"{named.stream} will be stale in {days:.1f} days: let the task {named.root} run before that")
    backlog = int(run(session, "scoring/queries.sql#count_pending", stream=named.stream)[0]["N"])
    age = oldest_seconds(workspace) if backlog else None
    findings += backlog_findings(project, named, age)
    return StreamHealth(False, days, backlog, age, consumers, tuple(findings))


def task_findings(project: Project, named: Names, observed: ObservedState, runs: Sequence[GraphRun]) -> list[str]:
    """What is wrong with the tasks and with the last run of the graph.

    The runs are from TASK_HISTORY, because a run that timed out, was cancelled, or could not begin leaves no row in
    OPS.RUNS.

    Args:
        named: Names of the loop's objects.
        observed: What exists.
        runs: The last runs of the graph, the latest first.

    Returns:
        The findings; none if all is well.
    """
    own = observed.tasks
    findings = [f"task {name} does not exist: deploy scoring" for name in GRAPH if name not in own]
    for name in GRAPH:
        if name not in own or str(own[name]["state"]).lower() == "started":
            continue
        why, error = own[name].get("last_suspended_reason"), _last_error(runs)
        text = f"task {name} is suspended{f' ({why})' if why else ''}, its rows wait"
        text += f"; last error: {error}" if error else ""
        findings.append(f"{text}: remove the cause, then deploy scoring of {project.name}, which resumes it")
    failure = next((each.failure for each in runs if each.over), None)
    if failure and not findings:
        findings.append(_failed(failure, named))
    return findings


def _last_error(runs: Sequence[GraphRun]) -> TaskRun | None:
    """The latest failure."""
    failed = [task for each in runs for task in each.tasks if task.failed]
    return max(failed, key=lambda task: task.ended or task.began, default=None)


def _failed(failure: TaskRun, named: Names) -> str:
    if failure.name == ROOT:
        return f"the last scoring run failed, its rows wait in {named.stream}: {failure}"
    return f"the last run of the graph scored its rows, but a later task failed: {failure}: remove the cause"


def backlog_findings(project: Project, named: Names, age: int | None) -> list[str]:
    """Whether rows wait longer than is declared.

    Args:
        named: Names of the loop's objects.
        age: Seconds since the oldest load that was not scored, where known.

    Returns:
        The finding, or none.
    """
    most = project.monitoring.max_backlog_age
    if age is None or age <= most.total_seconds():
        return []
    text = f"rows wait in {named.stream} for {age / 3600:.1f} hours, monitoring.max_backlog_age allows {in_words(most)}"
    return [f"{text}: see with `snowloop status` whether the tasks run; if they may take longer, declare more"]


def oldest_seconds(workspace: Workspace) -> int | None:
    """How long the oldest rows wait that were loaded since the last successful run of the loop began.

    Returns:
        Seconds; None if there are none, or if it is not known when rows of the source were loaded.
    """
    project = workspace.project
    if project.streamed.table is None:
        age = workspace.run("scoring/queries.sql#oldest_pending_load", table=project.table)[0]["AGE"]
        return None if age is None else int(age)
    loaded = load_time(project.streamed, workspace.database, project.source, workspace.target)
    if loaded is None:
        return None
    moment, table = loaded
    age = workspace.run("scoring/queries.sql#oldest_pending_row", moment=moment, table=table)[0]["AGE"]
    return None if age is None else int(age)


def backlog_age(workspace: Workspace) -> int | None:
    """How long rows have waited to be scored, in seconds; 0 if none wait.

    Returns:
        The age of the oldest load that was not scored; None if the stream cannot be read, or the rows came otherwise.
    """
    project = workspace.project
    within = identifier(workspace.database, "RAW")
    streams = {str(row["name"]): row for row in show(workspace.session, f"SHOW STREAMS IN SCHEMA {within}")}
    stream = streams.get(stream_name(project))
    if stream is None or is_stale(stream):
        return None
    named = names(project, workspace.target)
    waiting = int(run(workspace.session, "scoring/queries.sql#count_pending", stream=named.stream)[0]["N"])
    return oldest_seconds(workspace) if waiting else 0


def _days(stale_after: datetime | None) -> float | None:
    if not isinstance(stale_after, datetime):
        return None
    moment = stale_after if stale_after.tzinfo else stale_after.replace(tzinfo=UTC)
    return round((moment - datetime.now(UTC)).total_seconds() / 86_400, 2)


def _challenger_findings(workspace: Workspace, observed: ObservedState) -> list[str]:
    """A declared challenger that does not score, or could not in its last run."""
    declared, challenger = workspace.project.serving.challenger, observed.challenger
    if declared is None or challenger is None:
        return []
    who = f"challenger {challenger.name} ({declared.mode})"
    if CHALLENGES not in observed.tables:
        return [f"{who} does not score, {workspace.database}.{CHALLENGES} does not exist: deploy scoring"]
    last = last_challenge(workspace.session, workspace.database, challenger.name)
    if last is None or not last["ERROR"]:
        return []
    withdraw = command("withdraw", project=workspace.project.name, target=workspace.target)
    text = f"{who} could not score in the last run, the champion scored alone: {last['ERROR']}; "
    return [f"{text}remove the cause, or withdraw it: {withdraw}"]


def _champion_findings(workspace: Workspace, observed: ObservedState) -> list[str]:
    """A model that has no version to score with; or alias, default version, ledger and verdict do not agree on it."""
    if observed.champion is not None:
        return list(observed.standing.findings(workspace.project, workspace.target))
    where = f"{workspace.project.name} has no champion in {workspace.target}"
    return [f"{where} to score with: train and promote one, then deploy scoring"]
