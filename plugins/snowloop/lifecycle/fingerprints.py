"""What kind of change a declaration is: whether to train, to judge again, to deploy, or nothing of these.

Each part of a project has a fingerprint of its normalised content: white space, comments, docstrings, the order of keys
and the names of databases do not count; bounds and warehouses that targets.yaml gives a target do, for that target.
OPS.FINGERPRINTS keeps those that an environment was last trained, judged and deployed with.
"""

import ast
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from snowloop.errors import ProjectError
from snowloop.lifecycle.features.formula import Formula
from snowloop.lifecycle.features.point_in_time import declared_formula
from snowloop.lifecycle.procedure.code import model_code
from snowloop.lifecycle.provenance import content_hash, git_commit
from snowloop.lifecycle.results import Result
from snowloop.project import Project, Source
from snowloop.sql import render_project
from snowloop.workspace import Workspace

Kind = Literal["retrain", "judge", "serve", "metadata"]
Stage = Literal["trained", "judged", "deployed"]
TO_DO: dict[Kind, str] = {
    "retrain": "train: the model that serves was made otherwise",
    "judge": "judge again: the versions that exist need no training",
    "serve": "deploy: neither training nor a verdict is needed",
    "metadata": "nothing: what serves is not affected",
}
"""The kinds of change, the one with most to do first, and what to do."""
PARTS: dict[str, Kind] = {
    "features.sql": "retrain",
    "label.sql": "retrain",
    "model.py": "retrain",
    "packages": "retrain",
    "training": "retrain",
    "contract": "judge",
    "gate": "judge",
    "serving": "serve",
    "description": "metadata",
}
"""The parts of a project, and the kind of change that each makes."""
FIELDS = {
    "name": "training", "source": "training", "key": "training", "sources": "training", "label": "training",
    "split": "training", "candidates": "training", "cross_validation": "training", "limits": "training",
    "refit": "training", "replay": "training", "sample": "training", "seed": "training", "packages": "packages",
    "contract": "contract",
    "metric": "gate", "leakage": "gate", "evaluation": "gate", "gate": "gate", "champion": "serving",
    "schedule": "serving", "environment": "serving", "serving": "serving", "description": "description",
    "owners": "description", "tags": "description", "approval": "description", "ci": "description",
    "monitoring": "description",
}  # fmt: skip
"""The part to which each field of project.yaml belongs; ``_declared`` says which of their fields belong elsewhere."""
RULES = ("nullable", "unique", "min", "max", "allowed")
"""Fields of a column that are its contract."""
STAGES: dict[Kind, Stage] = {"retrain": "trained", "judge": "judged", "serve": "deployed", "metadata": "deployed"}
"""With which record of an environment the parts of a kind are compared."""


@dataclass(frozen=True)
class PartChange:
    """A part that is not as an environment has it.

    Args:
        part: The part, such as ``features.sql``.
        kind: The kind of change.
        old: The fingerprint that the environment records; None if it records none.
        new: The fingerprint of the declaration.
    """

    part: str
    kind: Kind
    old: str | None
    new: str


@dataclass(frozen=True)
class ChangeKind(Result):
    """What kind of change a declaration is, compared with an environment or with another declaration.

    Args:
        changes: The parts that differ, those with most to do first.
        kind: The kind of the first of them; ``none`` if no part differs.
    """

    changes: tuple[PartChange, ...]
    kind: Kind | Literal["none"]

    def text(self) -> str:
        """The kind for people, with the parts."""
        if self.kind == "none":
            return "kind of change: none"
        parts = [
            f"  {each.kind:<8} {each.part}  ({'changed' if each.old else 'nothing is recorded'})"
            for each in self.changes
        ]
        return "\n".join([f"kind of change: {self.kind} ({TO_DO[self.kind]})", *parts])


def fingerprints(project: Project) -> dict[str, str]:
    """The fingerprint of each part of a project, as it is declared or as a target has it (``Project.in_target``).

    Returns:
        Fingerprints by part, in the order of ``PARTS``.
    """
    declared: dict[str, dict[str, Any]] = {part: {} for part in PARTS}
    for name, part, value in _declared(project):
        declared[part][name] = value
    code = {name: _code(content) for name, content in model_code(project).items()}
    files = {
        "features.sql": _digest(project, "features.sql", lambda: declared_formula(project)),
        "label.sql": _digest(
            project, "label.sql", lambda: Formula(render_project(project, "label.sql", raw="{{ raw }}"))
        ),
        "model.py": content_hash(code),
    }
    return {part: files.get(part) or content_hash(declared[part]) for part in PARTS}


def _digest(project: Project, file: str, formula: Callable[[], Formula]) -> str:
    """The fingerprint of a SQL file; of one that cannot be rendered, which changes nothing that serves, of its text."""
    try:
        return formula().digest[:12]
    except ProjectError:
        return content_hash((project.directory / file).read_bytes())


def change_kind(project: Project, recorded: Mapping[Stage, Mapping[str, str]]) -> ChangeKind:
    """Compare a declaration with what is recorded, without a connection.

    Args:
        recorded: Fingerprints by stage and part: those of an environment, or of another declaration for each stage.

    Returns:
        The kind of change.
    """
    now = fingerprints(project)
    order = list(TO_DO)
    changes = [
        PartChange(part, kind, recorded.get(STAGES[kind], {}).get(part), now[part])
        for part, kind in sorted(PARTS.items(), key=lambda item: order.index(item[1]))
        if recorded.get(STAGES[kind], {}).get(part) != now[part]
    ]
    return ChangeKind(tuple(changes), changes[0].kind if changes else "none")


def recorded_fingerprints(workspace: Workspace) -> dict[Stage, dict[str, str]]:
    """The fingerprints that an environment was last trained, judged and deployed with; OPS.FINGERPRINTS must exist.

    Returns:
        Fingerprints by stage and part.

    Raises:
        snowflake.snowpark.exceptions.SnowparkSQLException: if the environment is of an earlier version.
    """
    recorded: dict[Stage, dict[str, str]] = {}
    for row in workspace.run("deployment/queries.sql#fingerprints"):
        recorded.setdefault(row["STAGE"], {})[row["PART"]] = row["FINGERPRINT"]
    return recorded


def record_fingerprints(workspace: Workspace, *stages: Stage) -> None:
    """Record that an environment was trained, judged or deployed as declared; what is recorded already is not written.

    Args:
        stages: What was done.

    Raises:
        snowflake.snowpark.exceptions.SnowparkSQLException: if it cannot be written.
    """
    _record(workspace, {stage: _of_stage(workspace.project, stage) for stage in stages})


def is_recorded(workspace: Workspace, stage: Stage) -> bool:
    """Whether an environment was last trained, judged or deployed as it is declared now.

    Args:
        stage: Which of them.

    Raises:
        snowflake.snowpark.exceptions.SnowparkSQLException: if the environment is of an earlier version.
    """
    recorded = recorded_fingerprints(workspace).get(stage, {})
    return all(recorded.get(part) == now for part, now in _of_stage(workspace.project, stage).items())


def _of_stage(project: Project, stage: Stage) -> dict[str, str]:
    """The present fingerprints of the parts that are compared with a stage."""
    now = fingerprints(project)
    return {part: now[part] for part, kind in PARTS.items() if STAGES[kind] == stage}


def copy_fingerprints(source: Workspace, destination: Workspace, stage: Stage) -> None:
    """Record in an environment what another one records of a stage: of a version that was copied from there.

    Args:
        source: Where it was done.
        destination: Where it counts as done.
        stage: The stage; its parts do not depend on the target.

    Raises:
        snowflake.snowpark.exceptions.SnowparkSQLException: if it cannot be written.
    """
    _record(destination, {stage: recorded_fingerprints(source).get(stage, {})})


def _record(workspace: Workspace, of_stages: Mapping[Stage, Mapping[str, str]]) -> None:
    before = recorded_fingerprints(workspace)
    rows = [
        {"stage": stage, "part": part, "fingerprint": fingerprint}
        for stage, parts in of_stages.items()
        for part, fingerprint in parts.items()
        if before.get(stage, {}).get(part) != fingerprint
    ]
    if rows:
        commit = git_commit(workspace.project)
        workspace.write(
            "deployment/queries.sql#record_fingerprints", rows=len(rows), fingerprints=rows, git_commit=commit
        )


def _declared(project: Project) -> list[tuple[str, str, Any]]:
    """Name, part and value of what project.yaml declares, without defaults: so a release's new field is no change."""
    values = project.model_dump(mode="json", exclude_defaults=True)
    parts = {name: (FIELDS[name], value) for name, value in values.items() if name != "sources"}
    evaluation, environment = dict(values.get("evaluation", {})), dict(values.get("environment", {}))
    parts["threshold"] = ("training", evaluation.pop("threshold", None))
    parts["artifact_repository"] = ("packages", environment.pop("artifact_repository", None))
    parts |= {"evaluation": ("gate", evaluation), "environment": ("serving", environment)}
    monitoring = dict(values.get("monitoring", {}))
    monitor = monitoring.pop("model_monitor", None)  # the only part of monitoring with objects that are deployed
    parts["monitoring"] = ("description", monitoring)
    parts["model_monitor"] = ("serving", None if monitor is None else {"declared": True, **monitor})
    parts["packages"] = ("packages", sorted(project.packages))
    parts["candidates"] = ("training", [each.model_dump(mode="json") for each in project.expanded_candidates])
    parts["judges_the_end"] = ("gate", project.judges_the_end)  # follows from `approval` where it is not declared
    if project.cross_validation:
        parts["folds are judged by"] = ("training", project.metric.name)
    for name, source in project.sources.items():
        form, rules = _source(source)
        parts |= {f"source {name}": ("training", form), f"contract of {name}": ("contract", rules)}
    return [(name, part, value) for name, (part, value) in parts.items() if value not in ({}, None)]


def _source(source: Source) -> tuple[dict[str, Any], dict[str, Any]]:
    """What a source is, and the contract of its values."""
    form = source.model_dump(mode="json", exclude_defaults=True)
    rules: dict[str, Any] = {name: form.pop(name, None) for name in ("freshness", "max_rejected_share")}
    for name, column in form["columns"].items():
        rules |= {f"{name}.{rule}": column.pop(rule) for rule in RULES if rule in column}
    return form, {name: rule for name, rule in rules.items() if rule is not None}


def _code(content: bytes) -> str:
    """A module without comments, docstrings and layout; one that is no Python is compared as it is."""
    try:
        tree = ast.parse(content)
    except (SyntaxError, ValueError):
        return content.decode(errors="replace")
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and _has_text(
            node.body
        ):
            node.body = node.body[1:]
    return ast.dump(tree)


def _has_text(body: Collection[ast.stmt]) -> bool:
    first = next(iter(body), None)
    return isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str)
