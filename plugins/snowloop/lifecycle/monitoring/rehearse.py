"""Rehearses retraining and rollback of the champion, tests model.py, and measures the scores that were served."""

from dataclasses import dataclass
from typing import Any, Literal

from snowloop.checks import REHEARSALS, Check, counted, record
from snowloop.errors import RehearsalError, ScoringError
from snowloop.lifecycle.champion import ledger
from snowloop.lifecycle.champion.fit import version_to_score
from snowloop.lifecycle.evaluation.rivals import rival_rows, scores_query
from snowloop.lifecycle.features.feature import Feature
from snowloop.lifecycle.features.known_labels import known_labels
from snowloop.lifecycle.features.training_set import TrainingSet
from snowloop.lifecycle.procedure.calls import REHEARSAL, call
from snowloop.lifecycle.provenance import git_commit
from snowloop.lifecycle.results import Result
from snowloop.lifecycle.training.train import model_version, training_rows, version_name
from snowloop.lifecycle.versions import Version, champion, versions
from snowloop.project import Project
from snowloop.sql import identifier, render
from snowloop.workspace import Workspace
from snowloop_procedures.requests import RehearsalRequest, Specification, Tolerance

REPRODUCED = Tolerance(absolute=1e-9, relative=1e-5)
"""By how much scores of two trainings with one seed may differ: floats, of 32 bits too, are summed in another order."""


@dataclass(frozen=True)
class Rehearsal(Result):
    """The rehearsals of a champion; all of them are in OPS.REHEARSALS.

    Args:
        version_name: The champion.
        checks: TRAINING_REPRODUCED, SPECIFICATION_TESTED, ROLLBACK_REHEARSED and SERVED_SCORES_MEASURED of a version;
            one that was not possible (no earlier champion, no label yet) is not asked.
    """

    version_name: str
    checks: tuple[Check, ...]

    def summary(self) -> dict[str, int | float | str]:
        """The champion, and how many rehearsals passed and were not asked."""
        return {"version": self.version_name, "checks": counted(self.checks)}


def rehearse(workspace: Workspace) -> Rehearsal:
    """Retrain the champion, test the model code of every candidate, rehearse a rollback, measure served scores.

    Nothing in service is changed.

    Raises:
        RehearsalError: if there is no champion, or a rehearsal fails; the message holds each reason.
        TrainingError: if the procedure breaks down.
    """
    project, now = workspace.project, champion(workspace)
    if now is None or "training_set" not in now.facts:
        where = f"{workspace.database}.MODELS.{project.model_name}"
        raise RehearsalError(f"there is nothing to rehearse: {where} has no champion that was trained here")
    training_set = _training_set(workspace.database, now)
    answer = call(workspace, REHEARSAL, _request(workspace, now, training_set))
    checks = [
        *_specifications(now, answer["specifications"]),
        _reproduced(now, answer.get("reproduced")),
        _served(project, now, answer.get("served")),
        _rollback(workspace, now, training_set),
    ]
    record(workspace, REHEARSALS, checks, git_commit=git_commit(project))
    failed = [check.reason for check in checks if check.failed]
    if failed:
        raise RehearsalError(f"rehearsal of project {project.name}, champion {now.name}: {'; '.join(failed)}")
    return Rehearsal(now.name, tuple(checks))


def _same_code(project: Project, now: Version, training_set: TrainingSet) -> bool:
    """Whether training its candidate now would give the same version; not if the candidate is no longer declared."""
    declared = (
        each for each in project.expanded_candidates if each.name.upper() == str(now.facts["candidate"]).upper()
    )
    return now.judged_as in [version_name(project, training_set, each) for each in declared]


def _training_set(database: str, version: Version) -> TrainingSet:
    fingerprint = str(version.facts["training_set"])
    table = identifier(database, "FEATURES", f"TRAINING_SET_{fingerprint}".upper())
    features = tuple(Feature(**each) for each in version.facts["features"])
    formula = str(version.facts.get("formula") or "")
    return TrainingSet(table, fingerprint, 0, 0, 0, features, kept=True, formula=formula)


def _request(workspace: Workspace, now: Version, training_set: TrainingSet) -> RehearsalRequest:
    project = workspace.project
    served = render(
        "monitoring/queries.sql#served_scores",
        database=workspace.database,
        table=training_set.table,
        label=project.label.column,
        key=project.row_key,
        version=now.name,
        label_rows=known_labels(project, workspace.target),
    )
    fitted_on: Literal["training rows", "all rows"] = "all rows" if now.refit_of else "training rows"
    return RehearsalRequest(
        query=training_rows(project, training_set),
        served=None if project.label.classes else served,
        reproduce=fitted_on if _same_code(project, now, training_set) else None,
        tolerance=REPRODUCED,
        candidates=tuple(Specification(each.name, each.params) for each in project.expanded_candidates),
        features=training_set.features,
        label=project.label.column,
        task=project.label.task,
        classes=project.label.classes,
        threshold=project.evaluation.threshold,
        params=now.facts.get("params", {}),
        seed=now.facts.get("seed", project.seed),
        version=model_version(project, workspace.target, now.name),
    )


def _specifications(now: Version, specifications: list[dict[str, Any]]) -> list[Check]:
    checks = []
    for each in specifications:
        failed = "; ".join(each["failed"]) or "all tests passed"
        reason = f"candidate {each['candidate']}, built and fitted twice on {each['rows']} rows: {failed}"
        count = len(each["failed"])
        checks.append(
            Check.of("SPECIFICATION_TESTED", passed=not count, reason=reason, value=count, bound=0, subject=now.name)
        )
    return checks


def _reproduced(now: Version, scores: dict[str, float] | None) -> Check:
    if scores is None:
        reason = f"model.py, packages, seed or candidate of {now.name} have changed since, or no row is held out"
        return Check("TRAINING_REPRODUCED", "not_asked", reason, subject=now.name)
    value, bound = scores["difference"], scores["allowed"]
    reason = f"{now.name} trained again gives scores that differ by at most {value:.3g}, {bound:.3g} is allowed"
    passed = value <= bound
    return Check.of("TRAINING_REPRODUCED", passed=passed, reason=reason, value=value, bound=bound, subject=now.name)


def _served(project: Project, now: Version, measured: dict[str, float] | None) -> Check:
    name, metric = "SERVED_SCORES_MEASURED", project.metric
    if measured is None:
        return Check(name, "not_asked", "served scores of several classes are not measured here", subject=now.name)
    value = measured.get(metric.name)
    if value is None or measured["support"] < metric.min_support:
        reason = (
            f"of the rows that {now.name} scored {measured['support']:.0f} have a known label"
            f"{'' if project.label.task == 'regression' else ' of the rarer class'}, {metric.min_support} are needed"
        )
        return Check(name, "not_asked", reason, subject=now.name)
    passed = value >= metric.bound if metric.higher_is_better else value <= metric.bound
    evaluated = now.held_out_metrics.get(metric.name)
    reason = f"{metric.name} of the scores that {now.name} served is {value:.4f}, bound {metric.bound:g}"
    reason += "" if evaluated is None else f", on the held-out rows it was {evaluated:.4f}"
    return Check.of(name, passed=passed, reason=reason, value=value, bound=metric.bound, subject=now.name)


def _rollback(workspace: Workspace, now: Version, training_set: TrainingSet) -> Check:
    """Whether the previous champion, to which a rollback would return, could serve at once."""
    project, name = workspace.project, "ROLLBACK_REHEARSED"
    champions = ledger.champion_history(ledger.entries(workspace))
    if len(champions) < 2:
        return Check(name, "not_asked", f"{now.name} has no champion before it to return to", subject=now.name)
    before = champions[-2]
    try:
        scorer = version_to_score(workspace, before)
    except ScoringError as error:
        reason = f"a rollback would return to {before}: {error}"
        return Check.of(name, passed=False, reason=reason, subject=before)
    version = next(each for each in versions(workspace) if each.name == scorer.name)
    own = rival_rows(workspace, version, training_set, training_set.table)
    if own.rows is None:
        reason = f"a rollback would return to {before}: {own.unmeasured}"
        return Check.of(name, passed=False, reason=reason, subject=before)
    rows = workspace.session.sql(scores_query(project, workspace.target, own.rows, before, own.features)).collect()
    unscored = sum(any(value is None for value in row) for row in rows)
    reason = f"{before}, to which a rollback would return, scores {len(rows) - unscored} of {len(rows)} held-out rows"
    return Check.of(name, passed=unscored == 0, reason=reason, value=unscored, bound=0, subject=before)
