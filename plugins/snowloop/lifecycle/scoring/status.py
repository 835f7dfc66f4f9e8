"""What is deployed and in which state: champion, stream, tasks, last runs, quarantine; nothing is changed."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from snowloop.lifecycle.model_files import TABLE, recorded_files
from snowloop.lifecycle.results import Result
from snowloop.lifecycle.scoring.challenger import CHALLENGES, last_challenge
from snowloop.lifecycle.scoring.names import GRAPH, ROOT, names, stream_name
from snowloop.lifecycle.scoring.observed import ObservedState, is_stale, observe_environment
from snowloop.lifecycle.scoring.task_runs import GraphRun, graph_runs
from snowloop.lifecycle.scoring.wait import waiting_rows
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
        champion: The version that serves, or None.
        challenger: The challenger, its mode, and what it did in its last run; empty if none is declared and no version
            has the alias.
        stream: ``missing``, ``stale``, ``empty`` or ``holds rows``.
        stale_after: When the stream will be stale if nothing reads it.
        pending: Rows in the stream; None if it cannot be read.
        tasks: State of each task of the graph: started, suspended or missing, with the reason that Snowflake gives.
        graph: How the last run of the graph ended that is over; empty if there was none.
        runs: The last runs of the scoring procedure, latest first.
        quarantined: The most frequent reasons of the last 24 hours, with their number of rows.
        recovery: What to do about an unfinished recovery; empty if there is none.
        standing: Where alias, default version, ledger and verdict do not agree on the champion, and what to do.
        stopped: Whether the scoring procedure refuses the champion for that.
        waiting: For which joined sources new rows in the stream have to wait.
        judged_as: The version that was judged, if the champion is its refit on all rows; None otherwise.
        files: SHA-256 of the champion's files as it was recorded when the version was registered, which ``verify``
            compares with the files; None of a version that an earlier release registered.
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
    standing: tuple[str, ...] = ()
    stopped: bool = False
    waiting: tuple[str, ...] = ()
    judged_as: str | None = None
    files: str | None = None

    @property
    def healthy(self) -> bool:
        """Whether a champion may serve, the stream can be read, no recovery is unfinished, all tasks are started."""
        started = all(state == "started" for state in self.tasks.values())
        readable = self.stream in ("empty", "holds rows") and not self.recovery
        return self.champion is not None and not self.stopped and readable and started

    def text(self) -> str:
        """The status for people."""
        pending = "unknown" if self.pending is None else f"{self.pending:,}"
        lines = [
            f"scoring loop of {self.project} in {self.target}: {'healthy' if self.healthy else 'NOT SERVING'}",
            f"  champion    {self.champion or 'none: run the train DAG'}",
            *([f"              trained on all rows, as {self.judged_as} was judged"] if self.judged_as else []),
            *(f"              {each}" for each in self.standing),
            *([f"  challenger  {self.challenger}"] if self.challenger else []),
            f"  stream      {self.stream}, pending rows: {pending}, stale after: {self.stale_after or 'unknown'}",
            *(f"              {each}" for each in self.waiting),
            *([f"  recovery    {self.recovery}"] if self.recovery else []),
            *(f"  task        {name}: {state}" for name, state in self.tasks.items()),
            *([f"  graph       {self.graph}"] if self.graph else []),
            *(f"  run         {_run_words(each)}" for each in self.runs),
            *(f"  quarantine  {count:,} rows in 24 h: {reason}" for reason, count in self.quarantined.items()),
        ]
        return "\n".join(lines)


def loop_status(workspace: Workspace) -> Status:
    """Look at the scoring loop; only SHOW, DESCRIBE, LIST and SELECT are sent.

    Returns:
        Its state.

    Raises:
        DeploymentError: if the environment does not exist.
        snowflake.snowpark.exceptions.SnowparkSQLException: if Snowflake does not answer.
    """
    session, project = workspace.session, workspace.project
    named, observed = names(project, workspace.target), observe_environment(workspace)
    state, after = _stream(observed, project)
    readable = state in ("empty", "holds rows")
    pending = int(run(session, "scoring/queries.sql#count_pending", stream=named.stream)[0]["N"]) if readable else None
    runs = run(session, "scoring/queries.sql#last_runs", database=named.database, count=RUNS)
    reasons = run(session, "scoring/queries.sql#quarantine_reasons", database=named.database, count=REASONS)
    return Status(
        project=project.name,
        target=workspace.target,
        champion=observed.champion.name if observed.champion else None,
        judged_as=observed.champion.refit_of if observed.champion else None,
        files=_files(workspace, observed),
        challenger=_challenger(session, project, observed, named.database),
        stream=state,
        stale_after=after,
        pending=pending,
        waiting=waiting_rows(workspace) if readable else (),
        tasks={name: _task(observed, name) for name in GRAPH},
        graph=_graph(graph_runs(session, named.database, observed.tasks.get(ROOT))),
        runs=tuple(row.as_dict() for row in runs),
        quarantined={str(row["REASON"]): int(row["N"]) for row in reasons},
        recovery=f"{observed.recovery}; run `snowloop recover`, then apply" if observed.recovery else "",
        standing=tuple(observed.standing.findings(project, workspace.target)),
        stopped=observed.standing.stops(project) is not None,
    )


def _files(workspace: Workspace, observed: ObservedState) -> str | None:
    if observed.champion is None or ".".join(TABLE) not in observed.tables:
        return None
    return recorded_files(workspace).get(observed.champion.name)


def _challenger(session: "Session", project: Project, observed: ObservedState, database: str) -> str:
    declared, version = project.serving.challenger, observed.challenger
    if version is None:
        return f"none: {declared.mode} is declared, and the champion scores alone" if declared else ""
    if declared is None or CHALLENGES not in observed.tables:
        why = "no challenger is declared" if declared is None else "run apply"
        return f"{version.name}, which does not score: {why}"
    last = last_challenge(session, database, version.name)
    did = "has not scored yet" if last is None else f"scored {last['ROWS_SCORED']:,} rows in the last run"
    if last and last["ERROR"]:
        did = f"could not score in the last run: {last['ERROR']}"
    return f"{version.name}, {declared.mode}: {did}"


def _stream(observed: ObservedState, project: Project) -> tuple[str, str]:
    stream = observed.streams.get(stream_name(project))
    if stream is None:
        return "missing", ""
    after = str(stream.get("stale_after") or "")
    if is_stale(stream):
        return "stale", after
    return ("holds rows" if stream_name(project) in observed.pending else "empty"), after


def _task(observed: ObservedState, name: str) -> str:
    task = observed.tasks.get(name)
    if task is None:
        return "missing"
    state, why = str(task["state"]).lower(), task.get("last_suspended_reason")
    return f"{state} ({why})" if why and state != "started" else state


def _graph(runs: list[GraphRun]) -> str:
    last = next((each for each in runs if each.over), None)
    if last is None:
        return ""
    return f"{last.began:%Y-%m-%d %H:%M:%S} {last.failure or 'SUCCEEDED'}"


def _run_words(run: dict[str, Any]) -> str:
    begun = f"{run['STARTED_AT']:%Y-%m-%d %H:%M:%S} {run['STATE']} {run['MODEL_VERSION'] or 'no version'}"
    if run["ERROR"]:
        return f"{begun}: {run['ERROR']}"
    return f"{begun}: read {run['ROWS_READ']:,}, scored {run['ROWS_SCORED']:,}, quarantined {run['ROWS_QUARANTINED']:,}"
