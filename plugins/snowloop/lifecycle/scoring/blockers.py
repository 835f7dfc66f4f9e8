"""What a plan must not do: each case in which applying it would lose rows, or the loop could not serve."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from snowloop.lifecycle.scoring.consumers import other_consumers
from snowloop.lifecycle.scoring.desired import Wanted
from snowloop.lifecycle.scoring.names import ROOT, stream_mode, stream_name
from snowloop.lifecycle.scoring.observed import Found, is_stale
from snowloop.lifecycle.versions import model
from snowloop.project import Project

KEPT = ("SERVING.SCORED", "SERVING.QUARANTINE", "SERVING.CORRECTIONS", "OPS.METRICS")
RECOVER = "run `snowloop recover`, which makes a new stream and has the lost rows scored once (docs/on-call.md)"


@dataclass(frozen=True)
class Refused:
    """Why something must not be done.

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

    def words(self) -> str:
        """Object, reason and remedy, for people."""
        return f"{self.kind} {self.name}: {self.reason}; to do: {self.remedy}"


def refusals(project: Project, target: str, wanted: Wanted | None, found: Found) -> list[Refused]:
    """All reasons to refuse a plan.

    Args:
        project: The project.
        target: The environment.
        wanted: The loop as declared, if it could be computed.
        found: What is there.

    Returns:
        The refusals; none if the plan may be applied.

    Raises:
        ProjectError: if the target is not a plain name.
    """
    missing = list(_environment(project, target, found))
    if missing:
        return missing
    return [
        *_source(project, found),
        *_champion(project, target, wanted, found),
        *_stream(project, found),
        *_recovery(project, found),
        *_consumers(project, target, found),
    ]


def _environment(project: Project, target: str, found: Found) -> Iterator[Refused]:
    database = project.database(target)
    remedy = f"run the DAG {project.name}__environment, or create_environment, for target {target}"
    if not found.database:
        yield Refused("database", database, f"there is no database {database}", remedy)
        return
    for table in (f"RAW.{project.table}", *KEPT):
        if table not in found.tables:
            yield Refused("table", table, f"{database}.{table} is not there", remedy)
    summed = found.columns.get("OPS.METRICS")
    if summed and not {"NOT_FINITE", "CLASS_SHARES"} <= set(summed):
        yield Refused("table", "OPS.METRICS", "it is of an earlier version and lacks columns", remedy)
    scored = found.columns.get("SERVING.SCORED")
    several = ("PREDICTION", "PROBABILITIES") if project.label.classes else ()
    needs = (*project.key, "SCORE", *several, "EVENT_TIME", "FEATURES")
    lacking = [each for each in needs if each not in (scored or (each,))]
    if lacking:
        other = f"{remedy}; another key, or a multiclass label where there was none: a new target"
        yield Refused("table", "SERVING.SCORED", f"it lacks {', '.join(lacking)}", other)


def _source(project: Project, found: Found) -> Iterator[Refused]:
    """Columns that the contract and the features read."""
    table = f"RAW.{project.table}"
    have = found.columns.get(table, ())
    lacking = [name for name in project.streamed.table_columns if name not in have]
    if lacking:
        reason = f"declared columns are not there: {', '.join(lacking)} (it has {', '.join(have)})"
        remedy = (
            f"give the table these columns again (ALTER TABLE … RENAME COLUMN or ADD COLUMN), or declare {table} as it "
            "is now, and train, so that the champion takes what is there"
        )
        yield Refused("table", table, reason, remedy)
    elif found.features is None:
        yield Refused("features", "features.sql", found.features_problem, "mend features.sql, or the source's columns")


def _champion(project: Project, target: str, wanted: Wanted | None, found: Found) -> Iterator[Refused]:
    name, quoted = f"MODELS.{project.model_name}", model(project, target)
    if found.champion is None:
        reason = f"{quoted} has no champion to score with"
        yield Refused("model", name, reason, "run the training loop first, until a version is promoted")
    elif wanted is not None:
        takes, gives = found.champion.facts.get("features"), [asdict(feature) for feature in wanted.features]
        if takes != gives:
            reason = f"the champion {found.champion.name} takes other features than features.sql gives: "
            remedy = (
                "train and promote a version on these features, or give features.sql and the source the old columns"
            )
            yield Refused("model", name, reason + _differ(takes, gives), remedy)
        if found.champion.classes != project.label.classes:
            tells, declared = list(found.champion.classes), list(project.label.classes)
            reason = f"the champion {found.champion.name} tells the classes {tells}, declared are {declared}"
            yield Refused(
                "model", name, reason, "train and promote a version of these classes, or declare the old ones"
            )


def _differ(takes: Any, gives: list[dict[str, str]]) -> str:
    if not isinstance(takes, list):
        return "its comment does not tell which; it was logged by other means than the training procedure"
    had, has = ([f"{each['name']} {each['type']}" for each in features] for features in (takes, gives))
    gone, new = [each for each in had if each not in has], [each for each in has if each not in had]
    parts = [f"missing {', '.join(gone)}"] * bool(gone) + [f"not known to it {', '.join(new)}"] * bool(new)
    return "; ".join(parts) or "in another order"


def _stream(project: Project, found: Found) -> Iterator[Refused]:
    name = f"RAW.{stream_name(project)}"
    stream = found.streams.get(stream_name(project))
    baseline = "SERVING.BASELINE" in found.tables
    if stream is not None:
        yield from _stream_differs(project, name, stream, pending=stream_name(project) in found.pending)
        if not baseline and ROOT in found.tasks:
            reason = "it is gone, though the loop was serving: which rows came before the stream is no longer known"
            yield Refused("table", "SERVING.BASELINE", reason, "UNDROP TABLE SERVING.BASELINE, then apply again")
        return
    other = _stream_in_use(project, found)
    if other:
        held = "it still holds unconsumed rows" if other in found.pending else "its offset and its history are kept"
        reason = f"the loop reads RAW.{other}, the declaration wants {name}; {held}, and SERVING holds its keys"
        remedy = "declare the old source again, or deploy the new source into another target"
        yield Refused("stream", name, reason, remedy)
    elif baseline:
        reason = "it is gone, though the loop was serving: a new one would begin now and lose the rows in between"
        yield Refused("stream", name, reason, RECOVER)


def _recovery(project: Project, found: Found) -> Iterator[Refused]:
    """Lost rows that are not scored yet: the stream may be sound again, which no longer tells of them."""
    if found.recovery:
        reason = f"{found.recovery.words}; rows that were lost are not scored yet"
        yield Refused("recovery", f"RAW.{project.table}", reason, "run `snowloop recover` to its end, then apply")


def _stream_differs(project: Project, name: str, stream: Mapping[str, Any], *, pending: bool) -> Iterator[Refused]:
    table = str(stream["table_name"]).replace('"', "").split(".")[-2:]
    if is_stale(stream):
        reason = f"it is stale (until {stream.get('stale_after')}): a new stream would begin now and lose what it held"
        yield Refused("stream", name, reason, RECOVER)
    elif table != ["RAW", project.table]:
        reason = f"it is on {stream['table_name']}, not on RAW.{project.table}: replacing it would lose its offset"
        yield Refused("stream", name, reason, "declare the source that it is on, or drop the stream; then " + RECOVER)
    elif str(stream["mode"]).upper() == "DEFAULT" and stream_mode(project) == "APPEND_ONLY" and pending:
        yield corrections_wait(name)


def corrections_wait(name: str) -> Refused:
    """A standard stream that is to become an append-only one, while it holds changes."""
    reason = "it holds changes that an append-only stream does not tell: corrections and deletions would be lost"
    remedy = "declare `serving: {corrections: true}` again and let the loop empty it; then remove it and apply"
    return Refused("stream", name, reason, remedy)


def _stream_in_use(project: Project, found: Found) -> str | None:
    """Another stream of the schema that the deployed root waits for."""
    condition = str(found.tasks.get(ROOT, {}).get("condition") or "")
    read = (name for name in found.streams if name != stream_name(project) and re.search(rf"\b{name}\b", condition))
    return next(read, None)


def _consumers(project: Project, target: str, found: Found) -> Iterator[Refused]:
    """A second consumer takes rows away."""
    stream = stream_name(project)
    for other in other_consumers(found.other_tasks, project.database(target), stream):
        reason = f"task {other} reads it too: each row goes to whoever reads first, so rows would not be scored"
        remedy = f"give {other} a stream of its own on RAW.{project.table}, and drop or change the task"
        yield Refused("stream", f"RAW.{stream}", reason, remedy)
