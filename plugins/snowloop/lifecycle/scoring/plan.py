"""Compares the desired scoring loop with the observed one, and plans typed steps: a pure function and its result."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Any

from snowloop.lifecycle.deployment.plan import (
    Action,
    Change,
    FieldChange,
    Objects,
    Plan,
    RequireEmptyStream,
    RunSql,
    Step,
    Upload,
    WaitForRuns,
)
from snowloop.lifecycle.features.feature import Feature
from snowloop.lifecycle.features.formula import Formula
from snowloop.lifecycle.model_monitor.desired import desired_monitor
from snowloop.lifecycle.model_monitor.plan import plan_monitor
from snowloop.lifecycle.procedure.code import package_file, package_folder
from snowloop.lifecycle.scoring.blockers import blockers
from snowloop.lifecycle.scoring.desired import DesiredState, DesiredTask, desired_state
from snowloop.lifecycle.scoring.names import stream_mode, stream_name
from snowloop.lifecycle.scoring.observed import PACKAGE, ObservedState, after_plan, observe
from snowloop.project import Project
from snowloop.sql import identifier
from snowloop.workspace import Workspace
from snowloop_procedures.versions import difference

OWN = re.compile(r"SCORE_[0-9A-F]{12}")
"""Names that a deployment gives to procedures: other objects are never dropped."""
COMMENT = re.compile(r"--[^\n]*")
INSIGNIFICANT = re.compile(r"[\s\"\\;\[\]]+")
"""What an account may write in another way: white space, quotes of names, the end of a statement, lists."""
EMPTY = ("", "NULL", "NONE")


def plan_scoring(workspace: Workspace, before: Plan | None = None) -> Plan:
    """Plan the scoring loop; only SHOW, DESCRIBE, LIST and SELECT are sent.

    Args:
        before: The plan of the environment, which is applied first; None: the environment is as it is.

    Returns:
        The plan, which may hold refusals.

    Raises:
        snowflake.snowpark.exceptions.SnowparkSQLException: if Snowflake does not answer.
    """
    project, target = workspace.project, workspace.target
    observed = observe(workspace, _added(before, project) if before else None)
    if before is not None and not before.refused:
        observed = after_plan(observed, before, project.table)
    desired = None
    if observed.formula is not None and observed.features is not None:
        kind = observed.source.kind if observed.source else "TABLE"
        desired = desired_state(project, target, observed.formula, observed.features, kind)
    return make_plan(project, target, desired, observed)


def plan_with(workspace: Workspace, formula: Formula, features: tuple[Feature, ...]) -> Plan:
    """Plan the scoring loop as it would be with another features.sql than the champion's.

    Args:
        formula: The formula.
        features: The features that it gives over the source.

    Returns:
        The plan.

    Raises:
        snowflake.snowpark.exceptions.SnowparkSQLException: if Snowflake does not answer.
    """
    observed = observe(workspace)
    kind = observed.source.kind if observed.source else "TABLE"
    desired = desired_state(workspace.project, workspace.target, formula, features, kind)
    return make_plan(workspace.project, workspace.target, desired, observed)


def _added(before: Plan, project: Project) -> dict[str, str]:
    """Columns that a plan of the environment adds to the source's table, with their types."""
    changes = [change for change in before.changes if change.name == f"RAW.{project.table}"]
    fields = [each for change in changes for each in change.fields if each.old is None]
    return {each.field.removeprefix("column "): str(each.new) for each in fields}


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
    parts.changes += _formula(desired, observed)
    _code(parts, desired, observed)
    _tables(parts, desired, observed)
    in_between = _stream(parts, project, desired, observed)
    _graph(parts, desired, observed, in_between)
    _monitor(parts, project, target, desired, observed)
    _drops(parts, desired, observed)
    blocked = {change.name for change in refusals}
    changes = [change for change in parts.changes if change.name not in blocked]
    steps = () if refusals else tuple(parts.steps)
    return Plan(
        project.name,
        target,
        desired.procedure.quoted,
        (*refusals, *changes),
        steps,
        objects=_compared(project, desired),
    )


def _compared(project: Project, desired: DesiredState) -> Objects:
    """What is compared of the loop's objects, without those that hold rows alone."""
    tasks = {f"task SERVING.{each.name}": {"comment": each.comment} for each in desired.tasks}
    stream = {f"stream RAW.{stream_name(project)}": {"mode": stream_mode(project)}}
    return {f"procedure SERVING.{desired.procedure.name}": {}, **stream, **tasks}


@dataclass
class _Parts:
    """Changes and steps as they are collected."""

    changes: list[Change] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)

    def add(self, kind: str, name: str, action: Action, reason: str, *steps: Step) -> None:
        self.changes.append(Change(kind, name, action, reason))
        self.steps += steps


def _formula(desired: DesiredState, observed: ObservedState) -> list[Change]:
    """The champion's features.sql is deployed: one of the project that differs waits until its version is promoted."""
    declared, kept = observed.declared, "the champion's is deployed"
    if isinstance(declared, str):
        reason = f"{kept}; that of the project cannot be read: {declared}"
        return [Change("features", "features.sql", "keep", reason)] if declared else []
    if declared.digest == desired.formula.digest:
        return []
    remedy = "to deploy it, train and promote a version; the difference is\n"
    remedy += difference(desired.formula.text, declared.text, "the project")
    return [Change("features", "features.sql", "keep", f"{kept}, the project has another one", remedy)]


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
    imported = observed.packages.get(procedure.name, "nothing of Snowloop's")
    if procedure.name not in observed.procedures:
        parts.add("procedure", name, "create", "no procedure of this code exists", RunSql(procedure.statement))
    elif imported == package_folder():
        parts.add("procedure", name, "keep", "code as declared")
    else:  # its comment says what it imports; CREATE OR REPLACE by others leaves another one, or none
        fields = (FieldChange("imports", imported, package_folder()),)
        reason = f"others replaced it: by its comment it imports {imported}"
        parts.changes.append(Change("procedure", name, "recreate", reason, fields=fields))
        parts.steps.append(RunSql(procedure.replacement))


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
        fields = (FieldChange("mode", mode, desired_mode),)
        reason = f"{mode} to {desired_mode}, at the same offset"
        parts.changes.append(Change("stream", f"RAW.{name}", "recreate", reason, fields=fields))
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
    replaced = [each for each in desired.tasks if actions[each.name] in ("create", "recreate")]
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


def _monitor(parts: _Parts, project: Project, target: str, desired: DesiredState, observed: ObservedState) -> None:
    """The model monitor, after what serves: the loop does not need it."""
    if observed.champion is None:
        return
    declared = desired_monitor(project, target, observed.champion, desired.features)
    changes, steps = plan_monitor(project, target, declared, observed.monitor, observed.tables)
    parts.changes += changes
    parts.steps += steps


def _task_changes(desired: DesiredState, observed: ObservedState) -> list[Change]:
    """What is to be done with each task; replacing the root detaches the other tasks."""
    root, *others = [_task_change(each, observed) for each in desired.tasks]
    if root.action not in ("create", "recreate"):
        return [root, *others]
    why = "replacing the root detaches it"
    return [root, *(replace(e, action="recreate", reason=why) if e.action in ("keep", "resume") else e for e in others)]


def _task_change(desired: DesiredTask, observed: ObservedState) -> Change:
    task, name = observed.tasks.get(desired.name), f"SERVING.{desired.name}"
    if task is None:
        return Change("task", name, "create", "it does not exist")
    if task["comment"] != desired.comment:
        comment = FieldChange("comment", str(task["comment"]), desired.comment)
        return Change(
            "task", name, "recreate", f"its comment is '{comment.old}', not '{comment.new}'", fields=(comment,)
        )
    altered = task_diff(desired.shown, task)
    if altered:
        fields = tuple(FieldChange(each, str(task[each]), desired.shown[each]) for each in altered)
        return Change("task", name, "recreate", f"it was altered: {', '.join(altered)}", fields=fields)
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
