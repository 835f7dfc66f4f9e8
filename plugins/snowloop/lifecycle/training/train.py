"""Stage 4a: one candidate is trained inside Snowflake by a stored procedure that logs it to the Registry."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import PurePath
from typing import Any

from snowloop import project as declared
from snowloop.errors import LimitReached, ProcedureDied
from snowloop.lifecycle.features.training_set import TrainingSet
from snowloop.lifecycle.model_files import register_files
from snowloop.lifecycle.procedure.calls import TRAINING, call
from snowloop.lifecycle.procedure.code import RUNTIME_VERSION, handler_code, model_code
from snowloop.lifecycle.provenance import content_hash, git_commit, lock_hash
from snowloop.lifecycle.results import Result
from snowloop.lifecycle.versions import versions
from snowloop.sql import render
from snowloop.workspace import Workspace
from snowloop_procedures.requests import Folds, ModelVersion, TrainingRequest

RUNTIME = ("snowflake-snowpark-python", "snowflake-ml-python")
TRAINING_MODULES = ("training", "folds", "statistics.metrics", "bisection")
"""The modules of snowloop_procedures that a version is made by; a change of one makes another version."""


@dataclass(frozen=True)
class Candidate(Result):
    """A trained candidate.

    Args:
        name: Name of the declared candidate.
        version_name: Its version in the Registry: the same for the same data, code and parameters.
        training_set: The training set.
        metrics: Metrics on the held-out rows, and of cross-validation; empty after a failure.
        error: Why it could not be trained, or None.
        kept: Whether the version was there already.
        metric: Name of the metric that decides.
    """

    name: str
    version_name: str
    training_set: TrainingSet
    metrics: dict[str, float] = field(default_factory=dict)
    error: str | None = None
    kept: bool = False
    metric: str = ""

    def summary(self) -> dict[str, int | float | str]:
        """The version and the metric that decides, or the error."""
        if self.error:
            return {"failed": self.error}
        rows = int(self.metrics.get("train_rows", 0))
        folds = [f"{value:.4f}" for value in self.cross_validation.values()]
        folded = {"cross-validation": " ± ".join(folds)} if folds else {}
        return {
            **self.figure(self.metrics),
            **folded,
            "version": self.version_name,
            "rows": rows,
            "kept": int(self.kept),
        }

    @property
    def cross_validation(self) -> dict[str, float]:
        """Mean and standard deviation of the deciding metric over the folds, by name; empty if none were declared."""
        names = (f"cv_{self.metric}_mean", f"cv_{self.metric}_std")
        return {name: self.metrics[name] for name in names if name in self.metrics}

    def figure(self, metrics: dict[str, float]) -> dict[str, int | float | str]:
        """The deciding metric of some metrics, rounded for people, or that it is missing."""
        value = metrics.get(self.metric)
        return {self.metric: "missing" if value is None else round(value, 4)}


def train_candidate(
    workspace: Workspace,
    training_set: TrainingSet,
    candidate: str | declared.Candidate,
) -> Candidate:
    """Train one declared candidate; the same candidate on the same training set by the same code is kept.

    Args:
        training_set: What to train on.
        candidate: The declared candidate, or its name.

    The digest of the version's files is recorded.

    Returns:
        The candidate, with ``error`` if it could not be built, fitted, used or logged, or took the procedure down:
        that does not sink the others.

    Raises:
        ProjectError: if no candidate of this name is declared.
        TrainingError: if Snowflake refuses what every candidate needs, such as a privilege.
        DeliveryError: if a file of the version cannot be read; the same call completes it.
    """
    project = workspace.project
    if isinstance(candidate, str):
        candidate = project.candidate(candidate)
    version = version_name(project, training_set, candidate)
    existing = {each.name: each for each in versions(workspace)}
    if version in existing and project.metric.name in existing[version].metrics:
        register_files(workspace, version, kept=True)
        metrics = existing[version].metrics
        return Candidate(candidate.name, version, training_set, metrics, kept=True, metric=project.metric.name)
    request = training_request(project, workspace.target, training_set, candidate, version)
    try:
        outcome = call(workspace, TRAINING, request, project.limits.seconds)
    except (LimitReached, ProcedureDied) as ended:
        outcome = {"error": str(ended)}
    metrics, error = outcome.get("metrics", {}), outcome.get("error")
    if not error:
        register_files(workspace, version)
    return Candidate(candidate.name, version, training_set, metrics, error, metric=project.metric.name)


def version_name(project: declared.Project, training_set: TrainingSet, candidate: declared.Candidate) -> str:
    """The name of the version that a candidate becomes: candidate, training set, and hash of everything else.

    Args:
        training_set: The training set.
        candidate: The candidate.

    Returns:
        For example ``LOGISTIC_1F0C9A3B_77E2D410``.
    """
    code = [part for item in model_code(project).items() for part in item]
    threshold = project.evaluation.threshold
    settings = [list(project.packages), project.seed, project.label.model_dump(), candidate.params, threshold]
    settings += [project.cross_validation, project.metric.name] if project.cross_validation else []
    settings += [project.environment.artifact_repository, RUNTIME_VERSION]  # where packages come from, and which Python
    handlers = [handler_code(name) for name in TRAINING_MODULES]
    digits = content_hash(*code, *handlers, settings, length=8)
    return f"{candidate.name}_{training_set.fingerprint[:8]}_{digits}".upper()


def _folds(project: declared.Project) -> Folds | None:
    """How a candidate is cross-validated: by folds of the kind that the declared split is of; None if it is not."""
    if project.cross_validation is None:
        return None
    return Folds(
        project.cross_validation, project.split.by, project.split.kept_as, project.metric.name, project.purged_by
    )


def _facts(
    project: declared.Project,
    training_set: TrainingSet,
    candidate: declared.Candidate,
    refit: dict[str, Any] | None,
) -> dict[str, Any]:
    """What a version's comment records of how it was made; of a multiclass label its classes in order."""
    return {
        "candidate": candidate.name,
        "params": candidate.params,
        "training_set": training_set.fingerprint,
        "formula": training_set.formula,
        "git_commit": git_commit(project),
        "lock_hash": lock_hash(project),
        "packages": list(project.packages),
        "seed": project.seed,
        "cross_validation": project.cross_validation,
        "features": [asdict(feature) for feature in training_set.features],
        **({"classes": list(project.label.classes)} if project.label.classes else {}),
        **({"refit": refit} if refit else {}),
    }


def model_version(project: declared.Project, target: str, version: str) -> ModelVersion:
    """Where a version is in the Registry.

    Args:
        version: Name of the version.

    Returns:
        Database, schema, model and version.
    """
    return ModelVersion(project.database(target), "MODELS", project.model_name, version)


def training_rows(
    project: declared.Project, training_set: TrainingSet, folds: Folds | None = None, *, all_rows: bool = False
) -> str:
    """The query of a training set's rows in the order of the key, so that equal training sets give equal models.

    Args:
        training_set: The training set.
        folds: The folds into which they are split, or None.
        all_rows: Whether a model is to be fitted on all of them, so that none is held out.

    Returns:
        The query.
    """
    return render(
        "training/queries.sql#training_rows",
        table=training_set.table,
        features=training_set.features,
        label=project.label.column,
        key=project.row_key,
        along=[*filter(None, [folds.along]), *folds.moments] if folds else [],
        all_rows=all_rows,
    )


def training_request(
    project: declared.Project,
    target: str,
    training_set: TrainingSet,
    candidate: declared.Candidate,
    version: str,
    refit: dict[str, Any] | None = None,
) -> TrainingRequest:
    """What the training procedure is asked for.

    Args:
        target: The environment.
        training_set: The training set.
        candidate: The candidate.
        version: Name of the version that it becomes.
        refit: Of a version that is fitted on all rows ``of``, the judged one, and its ``metrics``; None: rows are held
            out, and it is measured on them.

    Returns:
        The request.
    """
    folds = None if refit else _folds(project)
    return TrainingRequest(
        query=training_rows(project, training_set, folds, all_rows=refit is not None),
        features=training_set.features,
        label=project.label.column,
        task=project.label.task,
        classes=project.label.classes,
        params=candidate.params,
        seed=project.seed,
        threshold=project.evaluation.threshold,
        cross_validation=folds,
        comment=json.dumps(_facts(project, training_set, candidate, refit)),
        version=model_version(project, target, version),
        requirements=tuple(package for package in project.packages if not package.startswith(RUNTIME)),
        artifact_repository=project.environment.artifact_repository,
        modules=tuple(PurePath(file).stem for file in model_code(project)),
    )
