"""Compares the wanted scoring loop with what is there, and says what has to be done: a pure function and its result."""

from base64 import b64encode
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from snowloop.errors import PlanRefused
from snowloop.lifecycle.results import Result
from snowloop.lifecycle.scoring.blockers import Refused, refusals
from snowloop.lifecycle.scoring.desired import Wanted, WantedTask, wanted_loop
from snowloop.lifecycle.scoring.names import stream_mode
from snowloop.lifecycle.scoring.observed import Found, find_loop
from snowloop.lifecycle.scoring.obsolete import obsolete
from snowloop.lifecycle.scoring.steps import Step, upload_steps
from snowloop.lifecycle.scoring.task_diff import drift
from snowloop.project import Project
from snowloop.workspace import Workspace

Action = Literal["create", "change", "resume", "keep", "drop", "refuse"]
MARKS: dict[Action, str] = {"create": "+", "change": "~", "resume": ">", "keep": "=", "drop": "-", "refuse": "!"}


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
        target: The environment.
        procedure: Quoted name of the scoring procedure; empty if the plan is refused before it is known.
        changes: One for each object.
        steps: What apply sends; none if there is nothing to do or the plan is refused.
        files: Contents of the files that the steps upload, in base64.
    """

    project: str
    target: str
    procedure: str
    changes: tuple[Change, ...]
    steps: tuple[Step, ...] = ()
    files: dict[str, str] = field(default_factory=dict)

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

    def to_dict(self) -> dict[str, Any]:
        """All fields but the contents of the files, as JSON can hold them."""
        return {name: value for name, value in super().to_dict().items() if name != "files"}

    def check(self) -> None:
        """Let a plan pass that may be applied.

        Raises:
            PlanRefused: if it holds a refusal; the message has each reason and its remedy.
        """
        if self.refused:
            reasons = [f"{each.kind} {each.name}: {each.reason}; to do: {each.remedy}" for each in self.refused]
            message = f"the scoring loop of {self.project} in {self.target} is not deployed: " + "\n".join(reasons)
            raise PlanRefused(message)

    def text(self) -> str:
        """The plan for people: a line for each object, then what it comes to."""
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

    Args:
        workspace: Session, project and environment.

    Returns:
        The plan, which may hold refusals.

    Raises:
        ProjectError: if the target is not a plain name.
        snowflake.snowpark.exceptions.SnowparkSQLException: if Snowflake does not answer.
    """
    found = find_loop(workspace)
    wanted = wanted_loop(workspace.project, workspace.target, found.features) if found.features is not None else None
    return make_plan(workspace.project, workspace.target, wanted, found)


def make_plan(project: Project, target: str, wanted: Wanted | None, found: Found) -> Plan:
    """Compare what is wanted with what is there; nothing is asked and nothing is sent.

    Args:
        project: The project.
        target: The environment.
        wanted: The loop as declared; None if it could not be computed, which ``found`` explains.
        found: What is there.

    Returns:
        The plan.

    Raises:
        ProjectError: if the target is not a plain name.
    """
    refused = refusals(project, target, wanted, found)
    reasons = tuple(_refusal(each) for each in refused)
    if wanted is None:
        return Plan(project.name, target, "", reasons)
    taken = {change.name for change in reasons}
    code, code_steps = _code(wanted, found)
    tables, table_steps = _tables(wanted, found)
    stream, stream_steps, at_rest = _stream(project, wanted, found)
    tasks, task_steps = _graph(wanted, found, at_rest)
    dropped, drop_steps = _drops(wanted, found)
    changes = [change for change in (*code, *tables, *stream, *tasks, *dropped) if change.name not in taken]
    steps = () if refused else (*code_steps, *table_steps, *stream_steps, *task_steps, *drop_steps)
    files = {name: b64encode(content).decode() for name, content in wanted.files.items()} if steps else {}
    return Plan(project.name, target, wanted.procedure.quoted, (*reasons, *changes), steps, files)


def _refusal(refused: Refused) -> Change:
    return Change(refused.kind, refused.name, "refuse", refused.reason, refused.remedy)


def _code(wanted: Wanted, found: Found) -> tuple[list[Change], list[Step]]:
    """Files and procedure: their names hold the hash of their content, so that what is there is right."""
    procedure = wanted.procedure
    folder = procedure.name.lower()
    missing = sorted(name for name in wanted.files if f"{folder}/{name}" not in found.files)
    there = procedure.name in found.procedures
    steps = upload_steps(procedure, missing)
    if not there:
        steps.append(Step("sql", procedure.statement))
    files = f"MODELS.CODE/{folder}"
    return [
        Change("stage files", files, "create", f"missing: {', '.join(missing)}")
        if missing
        else Change("stage files", files, "keep", "content as declared"),
        Change("procedure", f"SERVING.{procedure.name}", "keep", "code as declared")
        if there
        else Change("procedure", f"SERVING.{procedure.name}", "create", "no procedure of this code is there"),
    ], steps


def _drops(wanted: Wanted, found: Found) -> tuple[list[Change], list[Step]]:
    """Procedures of earlier deployments, which go last: when the graph calls the present one."""
    changes: list[Change] = []
    steps: list[Step] = []
    for each in obsolete(wanted, found):
        if each.procedure:
            why = "nothing calls it; the present one and the one before it are kept"
            changes.append(Change("procedure", f"SERVING.{each.name}", "drop", why))
        if each.files:
            changes.append(Change("stage files", f"MODELS.CODE/{each.name.lower()}", "drop", "of no procedure in use"))
        steps += each.steps
    return changes, steps


def _tables(wanted: Wanted, found: Found) -> tuple[list[Change], list[Step]]:
    """Tables of a declared challenger; they are kept when it is no longer declared."""
    changes, steps = [], []
    for name, statement in wanted.tables.items():
        if name in found.tables:
            changes.append(Change("table", name, "keep", "what challengers did"))
        else:
            changes.append(Change("table", name, "create", "a challenger is declared"))
            steps.append(Step("sql", statement))
    return changes, steps


def _stream(project: Project, wanted: Wanted, found: Found) -> tuple[list[Change], list[Step], list[Step]]:
    """Stream and baseline, in this order: the baseline is read at the stream's offset; and what to do at rest."""
    name, steps, changes, at_rest = f"{project.table}_STREAM", [], [], []
    mode, wanted_mode = str(found.streams.get(name, {}).get("mode")).upper(), stream_mode(project)
    if name in found.streams and mode != wanted_mode:
        changes.append(Change("stream", f"RAW.{name}", "change", f"{mode} to {wanted_mode}, at the same offset"))
        if wanted_mode == "APPEND_ONLY":  # corrections may have come since the plan was made
            at_rest.append(Step("empty", wanted.names.stream))
        at_rest.append(Step("sql", wanted.other_stream))
    elif name in found.streams:
        changes.append(Change("stream", f"RAW.{name}", "keep", "its offset is kept"))
    else:
        changes.append(Change("stream", f"RAW.{name}", "create", "there is none"))
        steps.append(Step("sql", wanted.stream))
    if "SERVING.BASELINE" in found.tables:
        changes.append(Change("table", "SERVING.BASELINE", "keep", "keys from before the stream"))
    else:
        changes.append(Change("table", "SERVING.BASELINE", "create", "keys that are there before the stream"))
        steps.append(Step("sql", wanted.baseline))
    return changes, steps, at_rest


def _graph(wanted: Wanted, found: Found, at_rest: list[Step]) -> tuple[list[Change], list[Step]]:
    """The tasks: root suspended and waited for, what differs replaced, all others resumed, the root last."""
    changes = _task_changes(wanted, found)
    if all(change.action == "keep" for change in changes) and not at_rest:
        return changes, []
    root, *others = wanted.tasks
    by_name = dict(zip((each.name for each in wanted.tasks), changes, strict=True))
    replaced = [each for each in wanted.tasks if by_name[each.name].action in ("create", "change")]
    steps = []
    suspended = replaced or at_rest or any(by_name[each.name].action != "keep" for each in others)
    if root.name in found.tasks and suspended:
        steps.append(Step("sql", f"ALTER TASK {root.quoted} SUSPEND"))
        steps += [Step("wait", root.quoted)] if replaced or at_rest else []
        if by_name[root.name].action == "keep":
            changes[0] = Change("task", f"SERVING.{root.name}", "resume", "suspended while the graph is changed")
    steps += [*at_rest, *(Step("sql", each.statement) for each in replaced)]
    steps += [Step("sql", f"ALTER TASK {each.quoted} RESUME") for each in others if by_name[each.name].action != "keep"]
    return changes, [*steps, Step("sql", f"ALTER TASK {root.quoted} RESUME")]


def _task_changes(wanted: Wanted, found: Found) -> list[Change]:
    """What is to be done with each task; a root that is replaced cuts off what follows it."""
    root, *others = [_task_change(each, found) for each in wanted.tasks]
    if root.action not in ("create", "change"):
        return [root, *others]
    why = "replacing the root cuts it off"
    cut = [replace(each, action="change", reason=why) if each.action in ("keep", "resume") else each for each in others]
    return [root, *cut]


def _task_change(wanted: WantedTask, found: Found) -> Change:
    task: Any = found.tasks.get(wanted.name)
    shown = f"SERVING.{wanted.name}"
    if task is None:
        return Change("task", shown, "create", "there is none")
    if task["comment"] != wanted.comment:
        return Change("task", shown, "change", f"made as '{task['comment']}', wanted is '{wanted.comment}'")
    altered = drift(wanted.shown, task)
    if altered:
        return Change("task", shown, "change", f"somebody altered it: {', '.join(altered)}")
    if str(task["state"]).lower() != "started":
        why = task.get("last_suspended_reason") or "as tasks are at first, or by someone's word"
        return Change("task", shown, "resume", f"it is suspended: {why}")
    return Change("task", shown, "keep", "as declared, and started")
