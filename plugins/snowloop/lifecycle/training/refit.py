"""Refitting: what the gate let pass is trained again on all labelled rows, the held-out ones too."""

from typing import Any

from snowloop import project as declared
from snowloop.errors import LimitReached, ProcedureDied, TrainingError
from snowloop.lifecycle.features.training_set import TrainingSet
from snowloop.lifecycle.model_files import register_files
from snowloop.lifecycle.procedure.calls import TRAINING, call
from snowloop.lifecycle.training.train import Candidate, training_request
from snowloop.lifecycle.versions import Version, versions
from snowloop.workspace import Workspace

SUFFIX = "_REFIT"
LOGGED_LAST = "holdout_rows"
"""The metric that the training procedure logs last: a version that has it has all."""


def refit_name(judged: str) -> str:
    """The name of the version that a judged one becomes when it is trained on all rows."""
    return f"{judged}{SUFFIX}"


def train_on_all_rows(workspace: Workspace, training_set: TrainingSet, judged: Version) -> Candidate:
    """Train the candidate of a judged version on all rows of its training set, with the same code, parameters and seed.

    The comment of the new version names the judged one and has its metrics on the held-out rows. A version that is
    there is kept; one whose logging was interrupted is completed.

    Args:
        workspace: Where.
        training_set: The judged version's training set.
        judged: The version that was judged.

    Returns:
        The new version, with the number of rows that it was trained on as its only metrics.

    Raises:
        ProjectError: if its candidate is no longer declared.
        TrainingError: if it could not be trained on all rows, or Snowflake refuses what training needs.
        DeliveryError: if a file of the version cannot be read; the same call completes it.
    """
    project = workspace.project
    name, candidate = refit_name(judged.name), project.candidate(str(judged.facts.get("candidate")))
    there = next((each for each in versions(workspace) if each.name == name), None)
    if there is not None and LOGGED_LAST in there.metrics:
        register_files(workspace, name, kept=True)
        return _candidate(project, candidate.name, name, training_set, there.metrics, kept=True)
    of = {"of": judged.name, "metrics": judged.metrics}
    request = training_request(project, workspace.target, training_set, candidate, name, refit=of)
    try:
        outcome = call(workspace, TRAINING, request, project.limits.seconds)
    except (LimitReached, ProcedureDied) as ended:
        outcome = {"error": str(ended)}
    if "error" in outcome:
        message = (
            f"{judged.name} passed the gate, and could not be trained on all {training_set.rows} rows (refit: all): "
            f"{outcome['error']}; nothing was promoted: run {project.name}__train again, or remove `refit`"
        )
        raise TrainingError(message)
    register_files(workspace, name)
    return _candidate(project, candidate.name, name, training_set, outcome["metrics"])


def _candidate(
    project: declared.Project, name: str, version: str, training_set: TrainingSet, metrics: Any, *, kept: bool = False
) -> Candidate:
    return Candidate(name, version, training_set, metrics, kept=kept, metric=project.metric.name)
