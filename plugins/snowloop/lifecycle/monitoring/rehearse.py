"""Tries out what one hopes never to need: the champion trained again, a rollback, what served scores were worth."""

from dataclasses import dataclass
from typing import Any

from snowloop.checks import REHEARSALS, Check, record
from snowloop.errors import RehearsalError, ScoringError
from snowloop.lifecycle.champion import ledger
from snowloop.lifecycle.features.training_set import Feature, TrainingSet
from snowloop.lifecycle.procedure.calls import REHEARSAL, call
from snowloop.lifecycle.provenance import git_commit
from snowloop.lifecycle.results import Result
from snowloop.lifecycle.scoring.reprocess.shared import version_to_score
from snowloop.lifecycle.training.train import model_version, request_features, training_rows, version_name
from snowloop.lifecycle.versions import Version, champion, model
from snowloop.project import Project
from snowloop.sql import identifier, render, render_project
from snowloop.workspace import Workspace
from snowloop_procedures.requests import RehearsalRequest, Specification

MOST_DIFFERENCE = 1e-9
"""Two trainings of one seed may differ by this: sums of floats in another order."""


@dataclass(frozen=True)
class Rehearsal(Result):
    """What was tried of a champion; all of it is in OPS.REHEARSALS.

    Args:
        version_name: The champion.
        tried: TRAINING_REPRODUCED, SPECIFICATION_TESTED, ROLLBACK_REHEARSED and SERVED_SCORES_MEASURED of a version;
            what could not be tried (no earlier champion, no label yet) is not among them.
    """

    version_name: str
    tried: tuple[Check, ...]

    def summary(self) -> dict[str, int | float | str]:
        """The champion, and how much went well."""
        passed = sum(each.passed for each in self.tried)
        return {"version": self.version_name, "tried": len(self.tried), "passed": passed}


def rehearse(workspace: Workspace) -> Rehearsal:
    """Train the champion again, test every candidate's specification, rehearse a rollback, measure served scores.

    What serves is not changed.

    Args:
        workspace: Session, project and environment.

    Returns:
        What was tried.

    Raises:
        RehearsalError: if there is no champion, or something did not go well; the message holds each reason.
        TrainingError: if the procedure breaks down.
    """
    project = workspace.project
    database = workspace.database
    now = champion(workspace)
    if now is None or "training_set" not in now.facts:
        where = f"{database}.MODELS.{project.model_name}"
        message = f"there is nothing to rehearse: {where} has no champion that was trained here"
        raise RehearsalError(message)
    training_set = _training_set(database, now)
    reproduce = _same_code(project, now, training_set)
    found = call(workspace, REHEARSAL, _request(project, workspace.target, now, training_set, reproduce=reproduce))
    tried = [
        *_specifications(now, found["specifications"]),
        *_reproduced(now, found),
        *_served(project, now, found.get("served")),
        *_rollback(workspace, training_set),
    ]
    record(workspace, REHEARSALS, tried, git_commit=git_commit(project))
    failed = [each.reason for each in tried if each.failed]
    if failed:
        message = f"rehearsal of project {project.name}, champion {now.name}: {'; '.join(failed)}"
        raise RehearsalError(message)
    return Rehearsal(now.name, tuple(tried))


def _same_code(project: Project, now: Version, training_set: TrainingSet) -> bool:
    """Whether training its candidate today would make the same version; not if it is no longer declared."""
    declared = (each for each in project.contestants if each.name.upper() == str(now.facts["candidate"]).upper())
    return now.name in [version_name(project, training_set, each) for each in declared]


def _training_set(database: str, version: Version) -> TrainingSet:
    fingerprint = str(version.facts["training_set"])
    table = identifier(database, "FEATURES", f"TRAINING_SET_{fingerprint}".upper())
    features = tuple(Feature(**each) for each in version.facts["features"])
    return TrainingSet(table, fingerprint, 0, 0, 0, features, kept=True)


def _request(
    project: Project, target: str, now: Version, training_set: TrainingSet, *, reproduce: bool
) -> RehearsalRequest:
    database, label = project.database(target), project.label.column
    labels = render_project(project, "label.sql", raw=identifier(database, "RAW"))
    names: dict[str, Any] = {"table": training_set.table, "label": label, "key": project.key}
    served = render("rehearse/served.sql", **names, database=database, version=now.name, label_rows=labels)
    return RehearsalRequest(
        query=training_rows(project, training_set),
        served=None if project.label.classes else served,
        reproduce=reproduce,
        candidates=tuple(Specification(each.name, each.params) for each in project.contestants),
        features=request_features(training_set.features),
        label=label,
        task=project.label.task,
        classes=project.label.classes,
        threshold=project.evaluation.threshold,
        params=now.facts.get("params", {}),
        seed=now.facts.get("seed", project.seed),
        version=model_version(project, target, now.name),
    )


def _specifications(now: Version, found: list[dict[str, Any]]) -> list[Check]:
    tried = []
    for each in found:
        failed = "; ".join(each["failed"]) or "all promises are kept"
        words = f"candidate {each['candidate']}, built and fitted twice on {each['rows']} rows: {failed}"
        count = len(each["failed"])
        tried.append(
            Check.of("SPECIFICATION_TESTED", passed=not count, reason=words, value=count, bound=0, subject=now.name)
        )
    return tried


def _reproduced(now: Version, found: dict[str, Any]) -> list[Check]:
    difference = found.get("difference")
    if difference is None:  # the code has changed since, or no row is held out
        return []
    words = f"{now.name} trained again gives scores that differ by {difference:.3g} at most"
    passed, bound = difference <= MOST_DIFFERENCE, MOST_DIFFERENCE
    return [
        Check.of("TRAINING_REPRODUCED", passed=passed, reason=words, value=difference, bound=bound, subject=now.name)
    ]


def _served(project: Project, now: Version, measured: dict[str, float] | None) -> list[Check]:
    metric = project.metric
    value = measured.get(metric.name) if measured else None
    if measured is None or value is None or measured["support"] < metric.min_support:
        return []
    passed = value >= metric.bound if metric.higher_is_better else value <= metric.bound
    promised = now.metrics.get(metric.name)
    words = f"{metric.name} of what {now.name} served is {value:.4f}, bound {metric.bound:g}"
    words += "" if promised is None else f", on the held-out rows it was {promised:.4f}"
    return [
        Check.of(
            "SERVED_SCORES_MEASURED", passed=passed, reason=words, value=value, bound=metric.bound, subject=now.name
        )
    ]


def _rollback(workspace: Workspace, training_set: TrainingSet) -> list[Check]:
    """Whether the champion before could serve at once: a rollback would take it, and it scores."""
    project = workspace.project
    reigns = ledger.reigns(ledger.entries(workspace))
    if len(reigns) < 2:
        return []
    before, name = reigns[-2], "ROLLBACK_REHEARSED"
    try:
        version_to_score(workspace, before)
    except ScoringError as error:
        reason = f"a rollback would return to {before}: {error}"
        return [Check.of(name, passed=False, reason=reason, subject=before)]
    query = render(
        "evaluation/predict_held_out.sql",
        model=model(project, workspace.target),
        version=identifier(before),
        task=project.label.task,
        classes=project.label.classes,
        features=training_set.features,
        label=project.label.column,
        key=project.key,
        table=training_set.table,
    )
    rows = workspace.session.sql(query).collect()
    unscored = sum(any(value is None for value in row) for row in rows)
    words = f"{before}, to which a rollback would return, scores {len(rows) - unscored} of {len(rows)} held-out rows"
    return [Check.of(name, passed=unscored == 0, reason=words, value=unscored, bound=0, subject=before)]
