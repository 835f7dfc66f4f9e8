"""What blocks a plan: each case in which applying it would lose rows, or the loop could not serve."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from snowloop.lifecycle.data.tables import problems
from snowloop.lifecycle.deployment.schema_version import KIND, NEWER_REMEDY, TABLE, current_version, newer
from snowloop.lifecycle.model_monitor.plan import KIND as MODEL_MONITOR
from snowloop.lifecycle.model_monitor.plan import change_name, refusals
from snowloop.lifecycle.scoring.desired import DesiredState
from snowloop.lifecycle.scoring.names import ROOT, source_name, stream_mode, stream_name
from snowloop.lifecycle.scoring.observed import ObservedState, is_stale, other_consumers
from snowloop.lifecycle.versions import model
from snowloop.project import Project
from snowloop_procedures.versions import Misfit, misfits

TABLES = (
    *("SERVING.SCORED", "SERVING.QUARANTINE", "SERVING.CORRECTIONS"),
    *("OPS.METRICS", "OPS.BASELINES", "OPS.DRIFT_COUNTS"),
)
NEWER = {"OPS.METRICS": {"NOT_FINITE", "CLASS_SHARES"}, "OPS.VERDICTS": {"VALID_UNTIL"}}
"""Columns that an environment of an earlier version lacks."""
RECOVER = "run `snowloop recover`, which creates a new stream and scores the lost rows once (docs/on-call.md)"


@dataclass(frozen=True)
class Blocker:
    """Why a plan must not be applied.

    Args:
        kind: Kind of the object.
        name: Its name, as SCHEMA.NAME.
        reason: What is wrong.
        remedy: What to do.
    """

    kind: str
    name: str
    reason: str
    remedy: str

    def __str__(self) -> str:
        """Object, reason and remedy, for people."""
        return f"{self.kind} {self.name}: {self.reason}; to do: {self.remedy}"


def blockers(project: Project, target: str, desired: DesiredState | None, observed: ObservedState) -> list[Blocker]:
    """All that blocks a plan.

    Args:
        desired: The loop as declared, if it could be computed.
        observed: What exists.

    Returns:
        The blockers; none if the plan may be applied.
    """
    missing = [*_table(project, observed), *_environment(project, target, observed)]
    if missing:
        return missing
    return [
        *_source(project, observed),
        *_champion(project, target, desired, observed),
        *_stream(project, target, observed),
        *_recovery(project, observed),
        *_consumers(project, target, observed),
        *_monitor(project, target, observed),
    ]


def _environment(project: Project, target: str, observed: ObservedState) -> Iterator[Blocker]:
    database = project.database(target)
    remedy = f"run the DAG {project.name}__environment, or create_environment, for target {target}"
    if not observed.database:
        yield Blocker("database", database, f"there is no database {database}", remedy)
        return
    later = newer(observed.version)
    if later:
        yield Blocker(KIND, TABLE, later, NEWER_REMEDY)
        return
    if observed.version is not None and observed.version.version < current_version():
        earlier = f"it is of version {observed.version.version}, this release makes version {current_version()}"
        yield Blocker(KIND, TABLE, earlier, remedy)
    for table in (f"RAW.{project.table}", *TABLES):
        if table not in observed.tables:
            yield Blocker("table", table, f"{database}.{table} does not exist", remedy)
    for table, columns in NEWER.items():
        if not columns <= set(observed.columns.get(table) or columns):
            yield Blocker("table", table, "it is of an earlier version and lacks columns", remedy)
    scored = observed.columns.get("SERVING.SCORED")
    several = ("PREDICTION", "PROBABILITIES") if project.label.classes else ()
    needs = (*project.row_key, "SCORE", *several, "EVENT_TIME", "FEATURES")
    lacking = [each for each in needs if each not in (scored or (each,))]
    if lacking:
        other = f"{remedy}; another key, or a multiclass label where there was none: a new target"
        yield Blocker("table", "SERVING.SCORED", f"it lacks {', '.join(lacking)}", other)


def _table(project: Project, observed: ObservedState) -> Iterator[Blocker]:
    """A table that others fill: whether it can be read as declared, and has what a stream needs."""
    for problem in problems(observed.source) if observed.source else ():
        yield Blocker("source", str(project.streamed.table), problem.reason, problem.remedy)


def _source(project: Project, observed: ObservedState) -> Iterator[Blocker]:
    """Columns that the contract and the features read."""
    table = f"RAW.{project.table}"
    have = observed.columns.get(table, ())
    lacking = [name for name in project.streamed.table_columns if name not in have]
    if lacking:
        reason = f"declared columns are missing: {', '.join(lacking)} (it has {', '.join(have)})"
        remedy = (
            f"run the DAG {project.name}__environment, which makes this view of {project.streamed.table}"
            if project.streamed.table
            else f"restore these columns (ALTER TABLE … RENAME COLUMN or ADD COLUMN), or declare {table} as it "
            "is now, and train, so that the champion takes the columns that exist"
        )
        yield Blocker("table", table, reason, remedy)
    elif observed.features is None:
        remedy = "restore the source's columns, or train and promote a version with a features.sql that can read them"
        yield Blocker("features", "features.sql", observed.features_problem, remedy)


def _champion(
    project: Project, target: str, desired: DesiredState | None, observed: ObservedState
) -> Iterator[Blocker]:
    name, quoted = f"MODELS.{project.model_name}", model(project, target)
    if observed.champion is None:
        reason = f"{quoted} has no champion to score with"
        yield Blocker("model", name, reason, "run the train DAG first, until a version is promoted")
        return
    stops = observed.standing.stops(project)
    if stops:
        remedy = "have the gate judge it, or promote another version, by the train DAG; or roll back"
        yield Blocker("model", name, f"the champion {observed.champion.name} must not serve: {stops}", remedy)
    if observed.formula_problem:
        remedy = f"run the DAG {project.name}__train; what serves goes on unchanged"
        yield Blocker("model", name, observed.formula_problem, remedy)
    elif desired is not None:
        for misfit in misfits(observed.champion.facts, desired.formula.digest, desired.features, project.label.classes):
            if misfit.part == "classes":
                reason = f"predicts the classes {misfit.actual}, declared are {misfit.required}"
                remedy = "train and promote a version of these classes, or declare the old ones"
            elif misfit.part == "formula":
                reason = "was trained with another features.sql than the one that would be deployed"
                remedy = "plan again; if that does not help, train and promote a version"
            else:
                reason = f"takes other features than its features.sql gives over the source: {_differ(misfit)}"
                remedy = "train and promote a version on these features, or give the source the old columns"
            yield Blocker("model", name, f"the champion {observed.champion.name} {reason}", remedy)


def _differ(misfit: Misfit) -> str:
    if not isinstance(misfit.actual, list):
        return "its comment does not list them, because it was logged without the training procedure"
    had, has = (
        [f"{each['name']} {each['type']}" for each in features] for features in (misfit.actual, list(misfit.required))
    )
    gone, new = [each for each in had if each not in has], [each for each in has if each not in had]
    parts = [f"missing {', '.join(gone)}"] * bool(gone) + [f"new to it {', '.join(new)}"] * bool(new)
    return "; ".join(parts) or "in another order"


def _stream(project: Project, target: str, observed: ObservedState) -> Iterator[Blocker]:
    name = f"RAW.{stream_name(project)}"
    stream = observed.streams.get(stream_name(project))
    baseline = "SERVING.BASELINE" in observed.tables
    if stream is not None:
        pending = stream_name(project) in observed.pending
        yield from _stream_differs(project, name, source_name(project, target), stream, pending=pending)
        if not baseline and ROOT in observed.tasks:
            reason = "it is missing although the loop was serving: which rows came before the stream is unknown"
            yield Blocker("table", "SERVING.BASELINE", reason, "UNDROP TABLE SERVING.BASELINE, then apply again")
        return
    other = _stream_in_use(project, observed)
    if other:
        unread = "it still holds unconsumed rows" if other in observed.pending else "its offset is kept"
        reason = f"the loop reads RAW.{other}, the declaration names {name}; {unread}, and SERVING holds its keys"
        remedy = "declare the old source again, or deploy the new source into another target"
        yield Blocker("stream", name, reason, remedy)
    elif baseline:
        reason = "it is missing although the loop was serving: a new one would begin now and lose the rows in between"
        yield Blocker("stream", name, reason, RECOVER)


def _recovery(project: Project, observed: ObservedState) -> Iterator[Blocker]:
    """Lost rows that are not scored yet: the stream may be readable again, but it does not hold them."""
    if observed.recovery:
        reason = f"{observed.recovery}; rows that were lost are not scored yet"
        yield Blocker("recovery", f"RAW.{project.table}", reason, "run `snowloop recover` until it is done, then apply")


def _stream_differs(
    project: Project, name: str, source: str, stream: Mapping[str, Any], *, pending: bool
) -> Iterator[Blocker]:
    table = str(stream["table_name"]).replace('"', "")
    if is_stale(stream):
        reason = f"it is stale (until {stream.get('stale_after')}): a new stream would begin now and lose what it held"
        yield Blocker("stream", name, reason, RECOVER)
    elif table != source.replace('"', ""):
        reason = f"it is on {stream['table_name']}, not on {source}: replacing it would lose its offset"
        yield Blocker("stream", name, reason, "declare the source that it is on, or drop the stream; then " + RECOVER)
    elif str(stream["mode"]).upper() == "DEFAULT" and stream_mode(project) == "APPEND_ONLY" and pending:
        yield unread_corrections(name)


def unread_corrections(name: str) -> Blocker:
    """A standard stream that is to become append-only holds changes."""
    reason = "it holds changes that an append-only stream does not record: corrections and deletions would be lost"
    remedy = "declare `serving: {corrections: true}` again and let the loop empty it; then remove it and apply"
    return Blocker("stream", name, reason, remedy)


def _stream_in_use(project: Project, observed: ObservedState) -> str | None:
    """Another stream of the schema that the deployed root waits for."""
    condition = str(observed.tasks.get(ROOT, {}).get("condition") or "")
    read = (name for name in observed.streams if name != stream_name(project) and re.search(rf"\b{name}\b", condition))
    return next(read, None)


def _consumers(project: Project, target: str, observed: ObservedState) -> Iterator[Blocker]:
    """A second consumer takes rows away."""
    stream = stream_name(project)
    for other in other_consumers(observed.other_tasks, project.database(target), stream):
        reason = f"task {other} reads it too: each row goes to the task that reads first, so rows would not be scored"
        remedy = f"give {other} a stream of its own on {source_name(project, target)}, and drop or change the task"
        yield Blocker("stream", f"RAW.{stream}", reason, remedy)


def _monitor(project: Project, target: str, observed: ObservedState) -> Iterator[Blocker]:
    """A declared model monitor that the account does not have, or cannot make."""
    for reason, remedy in refusals(project, target, observed.champion, observed.features, observed.monitor):
        yield Blocker(MODEL_MONITOR, change_name(project), reason, remedy)
