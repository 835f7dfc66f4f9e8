"""The champion and the reference on the rows that judge a candidate: each with the features.sql of its training."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from snowloop.errors import ScoringError, TrainingError
from snowloop.lifecycle.evaluation.holdout import TrainingRows, training_rows_of
from snowloop.lifecycle.evaluation.results import Rival
from snowloop.lifecycle.features.feature import Feature
from snowloop.lifecycle.features.formula import Formula, recorded_formula
from snowloop.lifecycle.features.keys import feature_rows, keys_not_once
from snowloop.lifecycle.features.training_set import TrainingSet, describe_features
from snowloop.lifecycle.training.train import Candidate
from snowloop.lifecycle.versions import Version, model, reference, serving
from snowloop.project import Project
from snowloop.sql import identifier, render
from snowloop.workspace import Workspace
from snowloop_procedures.versions import misfits


@dataclass(frozen=True)
class RivalRows:
    """The rows that judge a candidate, as the champion or the reference sees them.

    Args:
        rows: What SQL puts after FROM: each row once, with the rival's features; None if it cannot be measured on them.
        features: Its features, in order.
        unmeasured: Why it cannot be measured on them; None if it can.
    """

    rows: str | None = None
    features: tuple[Feature, ...] = ()
    unmeasured: str | None = None


@dataclass(frozen=True)
class Measurable:
    """A rival before it is measured.

    Args:
        name: The version.
        version: The version as it is registered; None if it is gone.
        rows: The rows that judge the candidate, as it sees them.
        trained_on: Which rows it was trained on.
        measured_by: The version that scores these rows: of a refitted one that which was judged, because the refitted
            one was trained on the rows that were held out.
    """

    name: str
    version: Version | None
    rows: RivalRows
    trained_on: TrainingRows
    measured_by: str

    def scores(self, project: Project, target: str) -> str | None:
        """The query of its scores, by the way in which it serves; None if it cannot be measured on these rows."""
        if self.rows.rows is None or self.trained_on.unknown:
            return None
        return scores_query(project, target, self.rows.rows, self.measured_by, self.rows.features)

    def measured(self, kind: str, measured: dict[str, Any]) -> Rival:
        """The rival with what was measured; of one that could not be, the figures of its own training.

        Args:
            kind: ``champion`` or ``reference``.
            measured: What the evaluation procedure answered.

        Returns:
            The rival.
        """
        metrics, unmeasured = measured["metrics"], self.rows.unmeasured
        own = self.version.held_out_metrics if self.version is not None and unmeasured else {}
        return Rival(
            self.name,
            metrics.get(kind, own),
            unmeasured,
            self.trained_on.held_out(measured["trained"][kind]),
            metrics.get(f"on {kind} rows", {}),
            None if self.measured_by == self.name else self.measured_by,
        )


def rivals_of(
    workspace: Workspace, existing: Sequence[Version], candidate: Candidate, table: str
) -> dict[str, Measurable]:
    """The champion, and the reference if it is neither champion nor candidate.

    Args:
        existing: All versions of the model.
        candidate: The candidate.
        table: What SQL puts after FROM for the rows that judge it.

    Returns:
        Each by what it is: ``champion`` or ``reference``.
    """
    registered = {each.name: each for each in existing}
    now, fixed = serving(workspace, existing), reference(workspace)  # also while no version has the alias
    names = {"champion": now.name} if now else {}
    judged = {
        name: registered[name].judged_as if name in registered else name for name in (*names.values(), fixed) if name
    }
    if fixed is not None and judged[fixed] not in (candidate.version_name, *(judged[each] for each in names.values())):
        names["reference"] = fixed
    found = {}
    for kind, name in names.items():
        measured = registered.get(judged[name])
        if measured is None:
            gone = "it is" if judged[name] == name else f"{judged[name]}, of which it is the refit, is"
            rows = RivalRows(unmeasured=f"{gone} gone from {model(workspace.project, workspace.target)}")
        else:
            rows = rival_rows(workspace, measured, candidate.training_set, table)
        none = TrainingRows()
        trained = none if rows.unmeasured else training_rows_of(workspace, measured, candidate.training_set)
        found[kind] = Measurable(name, registered.get(name), rows, trained, judged[name])
    return found


def rival_rows(workspace: Workspace, rival: Version, training_set: TrainingSet, table: str) -> RivalRows:
    """Find the features by which the champion or the reference is measured.

    Args:
        rival: The version.
        training_set: The training set of the candidate.
        table: What SQL puts after FROM for the rows that judge the candidate.

    Returns:
        The rows: those of the training set if it was trained with the same formula.
    """
    try:
        formula = recorded_formula(workspace, rival)
        if formula.digest == training_set.formula:
            features = training_set.features
        else:
            place = f"features.sql that {rival.name} was trained with"
            features = describe_features(workspace, formula, place)
    except (ScoringError, TrainingError) as error:
        return RivalRows(unmeasured=str(error))
    for misfit in misfits(rival.facts, formula.digest, features, workspace.project.label.classes):
        changed = f"its {misfit.part} were {misfit.actual}, now they are {misfit.required}"
        return RivalRows(unmeasured=changed)
    if formula.digest == training_set.formula:
        return RivalRows(table, features)
    return _computed(workspace, formula, features, table)


def _computed(workspace: Workspace, formula: Formula, features: tuple[Feature, ...], table: str) -> RivalRows:
    """The held-out rows with features of another formula than that of the training set."""
    wrong = keys_not_once(workspace, formula, table)
    if wrong:
        return RivalRows(unmeasured=f"its features.sql does not give each held-out row once: {wrong}")
    return RivalRows(feature_rows(workspace, formula, table), features)


def scores_query(project: Project, target: str, table: str, version: str, features: Sequence[Feature]) -> str:
    """The query of a version's scores of held-out rows, by the way in which it serves.

    Args:
        table: What SQL puts after FROM for the rows.
        version: Name of the version.
        features: Its features, in order.

    Returns:
        The query, in the order of the key.
    """
    return render(
        "evaluation/predict_held_out.sql",
        model=model(project, target),
        version=identifier(version),
        task=project.label.task,
        classes=project.label.classes,
        features=features,
        label=project.label.column,
        key=project.row_key,
        table=table,
    )
