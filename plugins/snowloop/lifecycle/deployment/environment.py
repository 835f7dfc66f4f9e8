"""Plans an environment: compares its declared objects with those that exist; a pure function and its result."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field

from snowloop.errors import PlanRefused
from snowloop.lifecycle.deployment.columns import is_wider
from snowloop.lifecycle.deployment.desired import DesiredEnvironment, DesiredObject, desired_environment
from snowloop.lifecycle.deployment.observed import ObservedEnvironment, observe_objects
from snowloop.lifecycle.deployment.plan import ENVIRONMENT, Action, Change, FieldChange, Plan, RunSql, Step
from snowloop.lifecycle.deployment.schema_version import migration
from snowloop.project import Project
from snowloop.sql import identifier
from snowloop.workspace import Workspace

OF_CLASSES = ("PREDICTION", "PROBABILITIES")
"""Columns of SERVING.SCORED that a label of several classes needs: scores of before have no value for them."""


def plan_environment(workspace: Workspace, allow_drop: Collection[str] = ()) -> Plan:
    """Plan an environment; only SHOW and SELECT are sent.

    Args:
        allow_drop: Names of tables and columns that may be dropped, such as ``RAW.OLD`` or ``RAW.LOANS.OLD``.

    Returns:
        The plan, which may hold refusals.

    Raises:
        PlanRefused: if ``allow_drop`` names something that nothing asks to drop.
        snowflake.snowpark.exceptions.SnowparkSQLException: if Snowflake does not answer.
    """
    desired = desired_environment(workspace.project, workspace.target)
    observed = observe_objects(workspace, desired)
    return compare_environment(workspace.project, workspace.target, desired, observed, allow_drop)


def compare_environment(
    project: Project,
    target: str,
    desired: DesiredEnvironment,
    observed: ObservedEnvironment,
    allow_drop: Collection[str] = (),
) -> Plan:
    """Compare the declared objects with the observed ones; nothing is sent.

    Args:
        desired: The objects as declared.
        observed: What exists.
        allow_drop: Names of tables and columns that may be dropped.

    Returns:
        The plan.

    Raises:
        PlanRefused: if ``allow_drop`` names something that nothing asks to drop.
    """
    parts = _Parts(desired, observed, frozenset(each.upper() for each in allow_drop))
    version, migrations = migration(observed.version, desired.database)
    if version.action == "refuse":  # a later release knows what is right there
        return Plan(project.name, target, "", (version,), (), ENVIRONMENT)
    for each in desired.objects:
        _object(parts, each, project.row_key)
    parts.changes.append(version)
    parts.steps += [RunSql(statement) for statement in migrations]
    _undeclared(parts)
    unknown = sorted(parts.allowed - parts.named)
    if unknown:
        asked = ", ".join(sorted(parts.droppable)) or "nothing"
        message = (
            f"--allow-drop names {', '.join(unknown)}, which the declaration of {project.name} does not ask to drop in "
            f"{target}; what could be dropped is: {asked}"
        )
        raise PlanRefused(message)
    refused = any(change.action == "refuse" for change in parts.changes)
    steps = () if refused else tuple(parts.steps)
    objects = {f"{each.kind} {each.name}": _compared(each) for each in desired.objects}
    return Plan(project.name, target, "", tuple(parts.changes), steps, ENVIRONMENT, objects)


def _compared(desired: DesiredObject) -> dict[str, str]:
    return {"comment": desired.comment} if desired.kind == "view" else dict(desired.columns)


@dataclass
class _Parts:
    """Changes and steps as they are collected, and which names of --allow-drop were of use."""

    desired: DesiredEnvironment
    observed: ObservedEnvironment
    allowed: frozenset[str]
    changes: list[Change] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    named: set[str] = field(default_factory=set)
    droppable: set[str] = field(default_factory=set)

    def add(self, kind: str, name: str, action: Action, reason: str, *statements: str) -> None:
        self.changes.append(Change(kind, name, action, reason))
        self.steps += [RunSql(statement) for statement in statements]

    def may_drop(self, name: str) -> bool:
        self.droppable.add(name)
        if name in self.allowed:
            self.named.add(name)
        return name in self.allowed


def _object(parts: _Parts, desired: DesiredObject, key: Collection[str]) -> None:
    if not parts.observed.has(desired.kind, desired.name):
        parts.add(desired.kind, desired.name, "create", "it does not exist", desired.statement)
    elif desired.kind == "view" and parts.observed.comments.get(desired.name) != desired.comment:
        was = parts.observed.comments.get(desired.name, "")
        parts.changes.append(
            Change(
                "view",
                desired.name,
                "recreate",
                f"its comment is '{was}', not '{desired.comment}'",
                fields=(FieldChange("comment", was, desired.comment),),
            )
        )
        parts.steps.append(RunSql(desired.statement))
    elif desired.kind == "table" and desired.columns:
        _table(parts, desired, key)
    else:
        parts.add(desired.kind, desired.name, "keep", "it exists")


def _table(parts: _Parts, desired: DesiredObject, key: Collection[str]) -> None:
    """Columns are added and widened; another type, another key and a removed column need a person."""
    have = parts.observed.columns.get(desired.name, {})
    added = [name for name in desired.columns if name not in have]
    differ = {name: kind for name, kind in desired.columns.items() if name in have and have[name] != kind}
    wider = {name: kind for name, kind in differ.items() if is_wider(kind, have[name])}
    refusals = [
        *_another_key(parts, desired, key, added, have),
        *_another_type(desired, have, {name: kind for name, kind in differ.items() if name not in wider}),
    ]
    dropped = _removed(parts, desired, have, refusals)
    parts.changes += refusals
    if refusals:
        return
    fields = [FieldChange(f"column {name}", None, desired.columns[name]) for name in added]
    fields += [FieldChange(f"column {name}", have[name], kind) for name, kind in wider.items()]
    fields += [FieldChange(f"column {name}", have[name], None) for name in dropped]
    if not fields:
        parts.add("table", desired.name, "keep", "columns as declared")
        return
    words = {"add": added, "widen": list(wider), "drop": dropped}
    reason = "; ".join(f"{verb} column {', '.join(names)}" for verb, names in words.items() if names)
    parts.changes.append(
        Change("table", desired.name, "alter", reason, fields=tuple(fields), destructive=bool(dropped))
    )
    alter = f"ALTER TABLE {desired.quoted}"
    statements = [f"{alter} ADD COLUMN IF NOT EXISTS {identifier(name)} {desired.columns[name]}" for name in added]
    statements += [f"{alter} ALTER COLUMN {identifier(name)} SET DATA TYPE {kind}" for name, kind in wider.items()]
    statements += [f"{alter} DROP COLUMN IF EXISTS {identifier(name)}" for name in dropped]
    parts.steps += [RunSql(statement) for statement in statements]


def _another_key(
    parts: _Parts,
    desired: DesiredObject,
    key: Collection[str],
    added: Collection[str],
    have: Collection[str],
) -> Iterator[Change]:
    """A row of before has no value for another key, and a score of before none for the classes."""
    fixed = {*key, *OF_CLASSES} if desired.name in parts.desired.keyed else set()
    lacking = [name for name in added if name in fixed]
    if lacking:
        reason = f"it lacks {', '.join(lacking)}, which its rows cannot have: it was created for another key or label"
        remedy = "declare the old key and label task again; another key, or a multiclass label: use a new target"
        fields = tuple(FieldChange(f"column {name}", None, desired.columns[name]) for name in lacking)
        yield Change("table", desired.name, "refuse", reason, remedy, fields)
    former = [name for name in have if name in parts.desired.columns and name not in desired.columns]
    if fixed and former:
        reason = f"it has {', '.join(former)}, which the key no longer names: its rows would be several of one key"
        remedy = "declare the old key again; for another key use a new target"
        yield Change("table", desired.name, "refuse", reason, remedy)


def _another_type(desired: DesiredObject, have: Mapping[str, str], differ: Mapping[str, str]) -> Iterator[Change]:
    if not differ:
        return
    words = [f"{name} is {have[name]}, declared is {kind}" for name, kind in differ.items()]
    name, kind = next(iter(differ.items()))
    remedy = (
        f"declare the type that the column has (type: {have[name]}), or declare the values under another column name, "
        f"which is added as {kind} (`field` names the file's column); for rows of the new type alone use a new target"
    )
    fields = tuple(FieldChange(f"column {name}", have[name], kind) for name, kind in differ.items())
    yield Change(
        "table", desired.name, "refuse", f"the type of a column changes: {'; '.join(words)}", remedy, fields, True
    )


def _removed(parts: _Parts, desired: DesiredObject, have: Mapping[str, str], refusals: list[Change]) -> list[str]:
    """Columns of a source's table, or of a copy of its rows, that are no longer declared: dropped only if named.

    The name is that of the column in the RAW table; its copies in the other tables go with it.
    """
    source = parts.desired.copies[0] if desired.name in parts.desired.copies else desired.name
    if source not in parts.desired.sources:
        return []
    removed = [name for name in have if name not in desired.columns]
    kept = [name for name in removed if not parts.may_drop(f"{source}.{name}")]
    if kept:
        refusals.append(
            Change(
                "table",
                desired.name,
                "refuse",
                f"it has columns that are not declared: {', '.join(kept)}",
                f"declare them again, nullable; or drop them with their values: --allow-drop {source}.{kept[0]}",
                tuple(FieldChange(f"column {name}", have[name], None) for name in kept),
                destructive=True,
            )
        )
    return [name for name in removed if name not in kept]


def _undeclared(parts: _Parts) -> None:
    """RAW tables of sources that are no longer declared: kept, and dropped only if named and nothing reads them."""
    for table in sorted(parts.observed.loaded & parts.observed.names.get("table", frozenset())):
        if table in parts.desired.sources:
            continue
        if not parts.may_drop(table):
            remedy = f"to drop it with its rows: --allow-drop {table}"
            parts.changes.append(Change("table", table, "keep", "its source is no longer declared", remedy))
        elif table in parts.observed.streamed:
            reason = "a stream reads it, which would be lost with the rows that it holds"
            remedy = "let the loop empty the stream, drop the stream, and plan again"
            parts.changes.append(Change("table", table, "refuse", reason, remedy, destructive=True))
        else:
            reason = "its source is no longer declared, and --allow-drop names it"
            parts.changes.append(Change("table", table, "drop", reason, destructive=True))
            drop = f"DROP TABLE IF EXISTS {identifier(parts.desired.database, *table.split('.'))}"
            parts.steps.append(RunSql(drop))
