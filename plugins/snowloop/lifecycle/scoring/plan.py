"""Compares the desired scoring loop with the observed one, and plans typed steps: a pure function and its result."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Annotated, Any, Literal

from pydantic import Field

from snowloop.errors import PlanRefused
from snowloop.lifecycle.procedure.code import package_archive, package_file, package_folder
from snowloop.lifecycle.results import Result
from snowloop.lifecycle.scoring.blockers import blockers
from snowloop.lifecycle.scoring.desired import DesiredState, DesiredTask, desired_state
from snowloop.lifecycle.scoring.names import stream_mode, stream_name
from snowloop.lifecycle.scoring.observed import PACKAGE, ObservedState, observe
from snowloop.project import Project
from snowloop.sql import identifier
from snowloop.workspace import Workspace
from snowloop_procedures.scoring_request import ScoringRequest

Action = Literal["create", "change", "resume", "keep", "drop", "refuse"]
MARKS: dict[Action, str] = {"create": "+", "change": "~", "resume": ">", "keep": "=", "drop": "-", "refuse": "!"}
OWN = re.compile(r"SCORE_[0-9A-F]{12}")
"""Names that a deployment gives to procedures: other objects are never dropped."""
COMMENT = re.compile(r"--[^\n]*")
INSIGNIFICANT = re.compile(r"[\s\"\\;\[\]]+")
"""What an account may write in another way: white space, quotes of names, the end of a statement, lists."""
EMPTY = ("", "NULL", "NONE")


@dataclass(frozen=True)
class RunSql:
    """Send a statement."""

    statement: str
    kind: Literal["run_sql"] = "run_sql"


@dataclass(frozen=True)
class Upload:
    """Put a file on the stage.

    Args:
        path: Its place, with the stage.
        sha256: The hash of its content.
        request: What it holds; None: the archive of snowloop_procedures, which apply builds again.
    """

    path: str
    sha256: str
    request: ScoringRequest | None = None
    kind: Literal["upload"] = "upload"

    def content(self) -> bytes:
        """The file's content."""
        return self.request.to_json().encode() if self.request else package_archive()


@dataclass(frozen=True)
class WaitForRuns:
    """Wait until no run of the graph of a root task is under way."""

    root: str
    kind: Literal["wait_for_runs"] = "wait_for_runs"


@dataclass(frozen=True)
class RequireEmptyStream:
    """Go on only if a stream holds nothing; otherwise resume the root task of the graph, which is as it was."""

    stream: str
    root: str
    kind: Literal["require_empty_stream"] = "require_empty_stream"


Step = Annotated[RunSql | Upload | WaitForRuns | RequireEmptyStream, Field(discriminator="kind")]


@dataclass(frozen=True)
class Change:
    """What is to be done with one object.

    Args:
        kind: stage files, procedure, stream, table or task.
        name: Its name, as SCHEMA.NAME.
        action: create, change, resume, keep, drop or refuse.
        reason: Why.
        remedy: What to do about a refusal.
    """

    kind: str
    name: str
    action: Action
    reason: str
    remedy: str = ""


@dataclass(frozen=True)
class Plan(Result):
    """All that has to be done, in order.

    Args:
        project: Name of the project.
        procedure: Quoted name of the scoring procedure; empty if the plan is refused before it is known.
        changes: One for each object.
        steps: What apply does; none if there is nothing to do or the plan is refused.
    """

    project: str
    target: str
    procedure: str
    changes: tuple[Change, ...]
    steps: tuple[Step, ...] = ()

    @property
    def refused(self) -> tuple[Change, ...]:
        """The refusals; with one of them nothing is applied."""
        return tuple(change for change in self.changes if change.action == "refuse")

    @property
    def nothing_to_do(self) -> bool:
        """Whether everything is as declared."""
        return not self.steps and not self.refused

    def summary(self) -> dict[str, int | float | str]:
        """Number of objects by action."""
        actions = [change.action for change in self.changes]
        return {action: actions.count(action) for action in MARKS if action in actions}

    def check(self) -> None:
        """Raise if the plan must not be applied.

        Raises:
            PlanRefused: if it holds a refusal; the message has each reason and its remedy.
        """
        if self.refused:
            reasons = [f"{each.kind} {each.name}: {each.reason}; to do: {each.remedy}" for each in self.refused]
            message = f"the scoring loop of {self.project} in {self.target} is not deployed: " + "\n".join(reasons)
            raise PlanRefused(message)

    def text(self) -> str:
        """The plan for people: a line for each object, then the totals."""
        lines = [f"scoring loop of {self.project} in {self.target}:"]
        for change in self.changes:
            lines.append(
                f"  {MARKS[change.action]} {change.action:<7} {change.kind:<11} {change.name}  ({change.reason})"
            )
            if change.remedy:
                lines.append(f"      remedy: {change.remedy}")
        counts = ", ".join(f"{count} to {action}" for action, count in self.summary().items())
        if self.refused:
            lines.append(f"refused, nothing is sent: {counts}")
        elif self.nothing_to_do:
            lines.append("nothing to do")
        else:
            lines.append(f"{counts}; {len(self.steps)} steps")
        return "\n".join(lines)


def plan_scoring(workspace: Workspace) -> Plan:
    """Plan the scoring loop; only SHOW, DESCRIBE, LIST and SELECT are sent.

    Returns:
        The plan, which may hold refusals.

    Raises:
        snowflake.snowpark.exceptions.SnowparkSQLException: if Snowflake does not answer.
    """
    project, target, observed = workspace.project, workspace.target, observe(workspace)
    desired = None if observed.features is None else desired_state(project, target, observed.features)
    return make_plan(project, target, desired, observed)


def make_plan(project: Project, target: str, desired: DesiredState | None, observed: ObservedState) -> Plan:
    """Compare the desired state with the observed one; nothing is sent.

    Args:
        desired: The loop as declared; None if it could not be computed, for a reason that ``observed`` has.
        observed: What exists.

    Returns:
        The plan.
    """
    blocking = blockers(project, target, desired, observed)
    refusals = tuple(Change(each.kind, each.name, "refuse", each.reason, each.remedy) for each in blocking)
    if desired is None:
        return Plan(project.name, target, "", refusals)
    parts = _Parts()
    _code(parts, desired, observed)
    _tables(parts, desired, observed)
    in_between = _stream(parts, project, desired, observed)
    _graph(parts, desired, observed, in_between)
    _drops(parts, desired, observed)
    blocked = {change.name for change in refusals}
    changes = [change for change in parts.changes if change.name not in blocked]
    steps = () if refusals else tuple(parts.steps)
    return Plan(project.name, target, desired.procedure.quoted, (*refusals, *changes), steps)


@dataclass
class _Parts:
    """Changes and steps as they are collected."""

    changes: list[Change] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)

    def add(self, kind: str, name: str, action: Action, reason: str, *steps: Step) -> None:
        self.changes.append(Change(kind, name, action, reason))
        self.steps += steps


def _code(parts: _Parts, desired: DesiredState, observed: ObservedState) -> None:
    """Files and procedure: their names hold the hash of their content, so one of this name is right."""
    procedure = desired.procedure
    uploads = {package_folder(): (package_file(), None), procedure.folder: (procedure.files[0], desired.request)}
    for folder, (file, request) in uploads.items():
        if file in observed.files:
            parts.add("stage files", f"MODELS.CODE/{folder}", "keep", "content as declared")
            continue
        upload = Upload(f"{procedure.stage}/{file}", "", request)
        upload = replace(upload, sha256=sha256(upload.content()).hexdigest())
        parts.add("stage files", f"MODELS.CODE/{folder}", "create", f"missing: {file.partition('/')[2]}", upload)
    name = f"SERVING.{procedure.name}"
    if procedure.name in observed.procedures:
        parts.add("procedure", name, "keep", "code as declared")
    else:
        parts.add("procedure", name, "create", "no procedure of this code exists", RunSql(procedure.statement))


def _tables(parts: _Parts, desired: DesiredState, observed: ObservedState) -> None:
    """Tables of a declared challenger; they are kept when it is no longer declared."""
    for name, statement in desired.tables.items():
        if name in observed.tables:
            parts.add("table", name, "keep", "what challengers did")
        else:
            parts.add("table", name, "create", "a challenger is declared", RunSql(statement))


def _stream(parts: _Parts, project: Project, desired: DesiredState, observed: ObservedState) -> list[Step]:
    """Stream and then baseline, which is read at the stream's offset; returned: steps while the graph is suspended."""
    name = stream_name(project)
    mode, desired_mode = str(observed.streams.get(name, {}).get("mode")).upper(), stream_mode(project)
    suspended: list[Step] = []
    if name in observed.streams and mode != desired_mode:
        parts.add("stream", f"RAW.{name}", "change", f"{mode} to {desired_mode}, at the same offset")
        if desired_mode == "APPEND_ONLY":  # corrections may have arrived since the plan was made
            suspended.append(RequireEmptyStream(desired.names.stream, desired.names.root))
        suspended.append(RunSql(desired.change_stream))
    elif name in observed.streams:
        parts.add("stream", f"RAW.{name}", "keep", "its offset is kept")
    else:
        parts.add("stream", f"RAW.{name}", "create", "it does not exist", RunSql(desired.stream))
    if "SERVING.BASELINE" in observed.tables:
        parts.add("table", "SERVING.BASELINE", "keep", "keys from before the stream")
    else:
        parts.add("table", "SERVING.BASELINE", "create", "keys from before the stream", RunSql(desired.baseline))
    return suspended


def _graph(parts: _Parts, desired: DesiredState, observed: ObservedState, suspended: list[Step]) -> None:
    """The tasks: suspend the root and wait for runs, replace tasks that differ, resume all others, the root last."""
    changes = _task_changes(desired, observed)
    root, *others = desired.tasks
    actions = {task.name: change.action for task, change in zip(desired.tasks, changes, strict=True)}
    replaced = [each for each in desired.tasks if actions[each.name] in ("create", "change")]
    resumed = [each for each in others if actions[each.name] != "keep"]
    if not (replaced or resumed or suspended or actions[root.name] != "keep"):
        parts.changes += changes
        return
    if root.name in observed.tasks and (replaced or resumed or suspended):
        parts.steps.append(RunSql(f"ALTER TASK {root.quoted} SUSPEND"))
        parts.steps += [WaitForRuns(root.quoted)] if replaced or suspended else []
        if actions[root.name] == "keep":
            changes[0] = Change("task", f"SERVING.{root.name}", "resume", "suspended while the graph is changed")
    parts.changes += changes
    parts.steps += [*suspended, *(RunSql(each.statement) for each in replaced)]
    parts.steps += [RunSql(f"ALTER TASK {each.quoted} RESUME") for each in (*resumed, root)]


def _task_changes(desired: DesiredState, observed: ObservedState) -> list[Change]:
    """What is to be done with each task; replacing the root detaches the other tasks."""
    root, *others = [_task_change(each, observed) for each in desired.tasks]
    if root.action not in ("create", "change"):
        return [root, *others]
    why = "replacing the root detaches it"
    return [root, *(replace(e, action="change", reason=why) if e.action in ("keep", "resume") else e for e in others)]


def _task_change(desired: DesiredTask, observed: ObservedState) -> Change:
    task, name = observed.tasks.get(desired.name), f"SERVING.{desired.name}"
    if task is None:
        return Change("task", name, "create", "it does not exist")
    if task["comment"] != desired.comment:
        return Change("task", name, "change", f"its comment is '{task['comment']}', not '{desired.comment}'")
    altered = task_diff(desired.shown, task)
    if altered:
        return Change("task", name, "change", f"it was altered: {', '.join(altered)}")
    if str(task["state"]).lower() != "started":
        why = task.get("last_suspended_reason") or "never resumed, or suspended by a user"
        return Change("task", name, "resume", f"it is suspended: {why}")
    return Change("task", name, "keep", "as declared, and started")


def task_diff(desired: Mapping[str, str], shown: Mapping[str, Any]) -> list[str]:
    """Columns in which a task differs from its declaration although its fingerprint is right: it was altered.

    Texts are compared without comments, white space, quotes of names and case, because an account may return them in
    another form than they were sent in; a column that an account does not show is not compared.

    Args:
        desired: What SHOW TASKS should return, by column.
        shown: A row of SHOW TASKS.

    Returns:
        Names of the columns, none if the task is as declared.
    """
    return [name for name, value in desired.items() if name in shown and not _same(name, value, shown[name])]


def _same(name: str, desired: str, shown: Any) -> bool:
    one, other = _significant(desired), _significant(shown)
    if name == "task_relations":  # it may list more than the root that is finalized
        return one.strip("{}") in other
    return one == other or (one in EMPTY and other in EMPTY)


def _significant(value: Any) -> str:
    text = "" if value is None else str(value)
    return INSIGNIFICANT.sub("", COMMENT.sub("", text)).upper()


def _drops(parts: _Parts, desired: DesiredState, observed: ObservedState) -> None:
    """Procedures and files of earlier deployments, dropped last: by then the graph calls the present procedure.

    Procedures are never changed, so each deployment of other code adds one. The one before the present is kept, so that
    returning to its code needs no upload; so are those that a task names, or a run under way calls. A package is kept
    as long as a procedure imports it.
    """
    database, stage = desired.names.database, desired.procedure.stage
    kept = _procedures_in_use(desired, observed)
    for name in (each for each in observed.procedures if OWN.fullmatch(each) and each not in kept):
        why = "nothing calls it; the present one and the one before it are kept"
        drop = RunSql(f"DROP PROCEDURE IF EXISTS {identifier(database, 'SERVING', name)}()")
        parts.add("procedure", f"SERVING.{name}", "drop", why, drop)
    imported = {package for name, package in observed.packages.items() if name in kept or not OWN.fullmatch(name)}
    packages = {package_folder(), *imported}
    for folder in sorted({file.partition("/")[0] for file in observed.files}):
        own = OWN.fullmatch(folder.upper()) and folder.upper() not in kept
        if own or (PACKAGE.fullmatch(folder) and folder not in packages):
            remove = RunSql(f"REMOVE {stage}/{folder}/")
            parts.add("stage files", f"MODELS.CODE/{folder}", "drop", "no procedure in use imports them", remove)


def _procedures_in_use(desired: DesiredState, observed: ObservedState) -> set[str]:
    present = desired.procedure.name
    in_graph, elsewhere = _called(observed.tasks.values()), _called(observed.other_tasks)
    others = [name for name in observed.procedures if OWN.fullmatch(name) and name != present]
    before = in_graph - {present} or set(others[-1:])
    return {present, *before, *elsewhere, *observed.busy}


def _called(tasks: Iterable[Mapping[str, Any]]) -> set[str]:
    return {name for task in tasks for name in OWN.findall(str(task.get("definition") or "").upper())}
