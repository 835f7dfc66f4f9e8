"""What is deployed and how it does: champion, stream, tasks, last runs, quarantine; nothing is changed."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from snowloop.errors import DeploymentError
from snowloop.lifecycle.results import Result
from snowloop.lifecycle.scoring.challenger import CHALLENGES, last_challenge
from snowloop.lifecycle.scoring.names import GRAPH, ROOT, names, stream_name
from snowloop.lifecycle.scoring.observed import Found, find_loop, is_stale
from snowloop.lifecycle.scoring.task_runs import GraphRun, graph_runs
from snowloop.project import Project
from snowloop.sql import run
from snowloop.workspace import Workspace

if TYPE_CHECKING:
    from snowflake.snowpark import Session

RUNS, REASONS = 5, 3


@dataclass(frozen=True)
class Status(Result):
    """The state of a project's scoring loop.

    Args:
        project: Name of the project.
        target: The environment.
        champion: The version that serves, or None.
        challenger: The version beside it, how it challenges, and what came of it in the last run; empty if none is
            declared and none has the alias.
        stream: ``missing``, ``stale``, ``empty`` or ``holds rows``.
        stale_after: When the stream will be stale if nothing reads it.
        pending: Rows in the stream; None if it cannot be read.
        tasks: State of each task of the graph: started, suspended or missing, with the reason that Snowflake gives.
        graph: How the last run of the graph that is over ended, as Snowflake tells it; empty if there was none.
        runs: The last runs of the scoring procedure, latest first.
        quarantined: The most frequent reasons of the last 24 hours, with their number of rows.
        recovery: Of a recovery that has not come to its end, what to do; else empty.
    """

    project: str
    target: str
    champion: str | None
    challenger: str
    stream: str
    stale_after: str
    pending: int | None
    tasks: dict[str, str]
    graph: str
    runs: tuple[dict[str, Any], ...]
    quarantined: dict[str, int]
    recovery: str = ""

    @property
    def healthy(self) -> bool:
        """Whether there is a champion, a stream that can be read, no recovery to end, and all tasks are started."""
        started = all(state == "started" for state in self.tasks.values())
        readable = self.stream in ("empty", "holds rows") and not self.recovery
        return self.champion is not None and readable and started

    def text(self) -> str:
        """The status for people."""
        pending = "not known" if self.pending is None else f"{self.pending:,}"
        lines = [
            f"scoring loop of {self.project} in {self.target}: {'healthy' if self.healthy else 'NOT SERVING'}",
            f"  champion    {self.champion or 'none: run the training loop'}",
            *([f"  challenger  {self.challenger}"] if self.challenger else []),
            f"  stream      {self.stream}, pending rows: {pending}, stale after: {self.stale_after or 'not known'}",
            *([f"  recovery    {self.recovery}"] if self.recovery else []),
            *(f"  task        {name}: {state}" for name, state in self.tasks.items()),
            *([f"  graph       {self.graph}"] if self.graph else []),
            *(f"  run         {_run_words(each)}" for each in self.runs),
            *(f"  quarantine  {count:,} rows in 24 h: {reason}" for reason, count in self.quarantined.items()),
        ]
        return "\n".join(lines)


def loop_status(workspace: Workspace) -> Status:
    """Look at the scoring loop; only SHOW, DESCRIBE, LIST and SELECT are sent.

    Args:
        workspace: Session, project and environment.

    Returns:
        Its state.

    Raises:
        DeploymentError: if the environment is not there.
        snowflake.snowpark.exceptions.SnowparkSQLException: if Snowflake does not answer.
    """
    session, project = workspace.session, workspace.project
    found = find_loop(workspace)
    named = names(project, workspace.target)
    if not found.database or not {"OPS.RUNS", "SERVING.QUARANTINE"} <= found.tables:
        message = (
            f"{named.database} is not there, or not whole: "
            f"run the DAG {project.name}__environment for {workspace.target}"
        )
        raise DeploymentError(message)
    state, after = _stream(found, project)
    readable = state in ("empty", "holds rows")
    pending = int(run(session, "inference/count_pending.sql", stream=named.stream)[0]["N"]) if readable else None
    runs = run(session, "inference/last_runs.sql", database=named.database, count=RUNS)
    reasons = run(session, "inference/quarantine_reasons.sql", database=named.database, count=REASONS)
    return Status(
        project=project.name,
        target=workspace.target,
        champion=found.champion.name if found.champion else None,
        challenger=_challenger(session, project, found, named.database),
        stream=state,
        stale_after=after,
        pending=pending,
        tasks={name: _task(found, name) for name in GRAPH},
        graph=_graph(graph_runs(session, named.database, found.tasks.get(ROOT))),
        runs=tuple(row.as_dict() for row in runs),
        quarantined={str(row["REASON"]): int(row["N"]) for row in reasons},
        recovery=f"{found.recovery.words}; run `snowloop recover`, then apply" if found.recovery else "",
    )


def _challenger(session: "Session", project: Project, found: Found, database: str) -> str:
    plan, version = project.serving.challenger, found.challenger
    if version is None:
        return f"none: {plan.mode} is declared, and the champion scores alone" if plan else ""
    if plan is None or CHALLENGES not in found.tables:
        return f"{version.name}, which does not score: {'no challenger is declared' if plan is None else 'run apply'}"
    last = last_challenge(session, database, version.name)
    told = "has not scored yet" if last is None else f"scored {last['ROWS_SCORED']:,} rows in the last run"
    if last and last["ERROR"]:
        told = f"could not score in the last run: {last['ERROR']}"
    return f"{version.name}, {plan.mode}: {told}"


def _stream(found: Found, project: Project) -> tuple[str, str]:
    stream = found.streams.get(stream_name(project))
    if stream is None:
        return "missing", ""
    after = str(stream.get("stale_after") or "")
    if is_stale(stream):
        return "stale", after
    return ("holds rows" if stream_name(project) in found.pending else "empty"), after


def _task(found: Found, name: str) -> str:
    task = found.tasks.get(name)
    if task is None:
        return "missing"
    state, why = str(task["state"]).lower(), task.get("last_suspended_reason")
    return f"{state} ({why})" if why and state != "started" else state


def _graph(runs: list[GraphRun]) -> str:
    last = next((each for each in runs if each.over), None)
    if last is None:
        return ""
    return f"{last.began:%Y-%m-%d %H:%M:%S} {last.failure.words() if last.failure else 'SUCCEEDED'}"


def _run_words(run: dict[str, Any]) -> str:
    begun = f"{run['STARTED_AT']:%Y-%m-%d %H:%M:%S} {run['STATE']} {run['MODEL_VERSION'] or 'no version'}"
    if run["ERROR"]:
        return f"{begun}: {run['ERROR']}"
    return f"{begun}: read {run['ROWS_READ']:,}, scored {run['ROWS_SCORED']:,}, quarantined {run['ROWS_QUARANTINED']:,}"
