"""Stage 4b: candidate, champion and baselines are measured inside Snowflake on the very same held-out rows."""

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from snowloop.lifecycle.data.contract import checked_rows
from snowloop.lifecycle.evaluation.holdout import TrainingRows, training_rows_of
from snowloop.lifecycle.evaluation.results import (
    Bin,
    Calibration,
    ClassResult,
    Cost,
    Evaluation,
    Interval,
    Skew,
    SliceResult,
)
from snowloop.lifecycle.features.feature import Feature
from snowloop.lifecycle.features.point_in_time import render_features
from snowloop.lifecycle.features.queries import check_slices
from snowloop.lifecycle.features.training_set import TrainingSet
from snowloop.lifecycle.procedure.calls import EVALUATION, call
from snowloop.lifecycle.provenance import content_hash
from snowloop.lifecycle.training.train import Candidate, model_version
from snowloop.lifecycle.versions import CHAMPION, Version, aliased, model, versions
from snowloop.project import Project
from snowloop.sql import identifier, render
from snowloop.workspace import Workspace
from snowloop_procedures.requests import EvaluationRequest, Plan, Slice

__all__ = ["Evaluation", "evaluate"]


def evaluate(workspace: Workspace, candidate: Candidate) -> Evaluation:
    """Measure a candidate, the champion and the baselines on the held-out rows, and write it into OPS.EVALUATIONS.

    Held-out rows that a version was trained on, because it is older than the training set, do not judge it.

    Args:
        candidate: The trained candidate.

    Returns:
        The evaluation; without figures of a candidate that could not be trained.

    Raises:
        ProjectError: if a slice's column is neither a feature nor a column of the source.
        TrainingError: if the procedure that measures breaks down.
    """
    project = workspace.project
    existing = versions(workspace)
    now = aliased(existing, CHAMPION)
    if candidate.error:
        return Evaluation(candidate, champion=now.name if now else None)
    features = _features(now)
    same_rows = now is None or (
        set(features) <= set(candidate.training_set.features) and now.classes == project.label.classes
    )
    itself = next((each for each in existing if each.name == candidate.version_name), None)
    own = training_rows_of(workspace, itself, candidate.training_set)
    other = training_rows_of(workspace, now, candidate.training_set) if same_rows else TrainingRows()
    table = own.rows_without(project, candidate.training_set)
    request = _request(project, workspace.target, candidate, table, other.table)
    if now is not None and same_rows and not other.unknown:
        request = replace(request, champion_scores=_scores(project, workspace.target, table, now.name, features))
    measured = call(workspace, EVALUATION, request)
    evaluation = replace(
        _evaluation(candidate, now, same_rows=same_rows, measured=measured),
        held_out=own.held_out(candidate.training_set.holdout_rows - measured["rows"]),
        champion_held_out=other.held_out(measured["trained_champion"]),
    )
    _record(workspace, evaluation, measured)
    return evaluation


def _record(workspace: Workspace, evaluation: Evaluation, measured: dict[str, Any]) -> None:
    project, candidate = workspace.project, evaluation.candidate
    names = {
        "evaluation_id": evaluation.evaluation_id,
        "model": project.model_name,
        "version": candidate.version_name,
    }
    rows, fingerprint = list(evaluation.facts()), candidate.training_set.fingerprint
    workspace.run("evaluation/queries.sql#record", **names, training_set=fingerprint, rows=rows)
    details = {
        **_settings(project, evaluation),
        "query_id": measured["query_id"],
        "curves": measured["curves"],
        "results": evaluation.results(),
    }
    workspace.run("evaluation/queries.sql#record_details", **names, details=json.dumps(details))


def _settings(project: Project, evaluation: Evaluation) -> dict[str, Any]:
    """How it was measured: a report is made of what was declared then, not of what is declared now."""
    return {
        "candidate": evaluation.candidate.name,
        "task": project.label.task,
        "label": project.label.column,
        "metric": project.metric.name,
        "higher_is_better": project.metric.higher_is_better,
        "champion": evaluation.champion,
        "same_rows": evaluation.same_rows,
        "left_out": evaluation.held_out.left_out,
        "champion_left_out": evaluation.champion_held_out.left_out,
        "seed": project.seed,
        "cross_validation": project.cross_validation,
        **project.evaluation.model_dump(mode="json"),
    }


def _evaluation(candidate: Candidate, now: Version | None, *, same_rows: bool, measured: dict[str, Any]) -> Evaluation:
    metrics, calibration = measured["metrics"], measured["calibration"]
    own = {} if now is None or same_rows else now.metrics
    # Times and the query's id are others each time: they must not make it another evaluation.
    reproducible = {name: value for name, value in measured.items() if name not in ("cost", "query_id")}
    return Evaluation(
        candidate,
        metrics["candidate"],
        champion=now.name if now else None,
        champion_metrics=metrics.get("champion", own),
        same_rows=same_rows,
        interval=Interval(**measured["interval"]) if measured["interval"] else None,
        differences={other: Interval(**each) for other, each in measured["differences"].items()},
        baselines={name: metrics[name] for name in ("dummy", "simple") if name in metrics},
        slices=tuple(SliceResult(**each) for each in measured["slices"]),
        calibration=Calibration(**{**calibration, "bins": tuple(Bin(**each) for each in calibration["bins"])}),
        confusion=measured["confusion"],
        classes=tuple(ClassResult(**each) for each in measured["classes"]),
        importance=measured["importance"],
        skew=Skew(**measured["skew"]),
        cost=Cost(**measured["cost"]),
        evaluation_id=content_hash(candidate.version_name, now.name if now else None, reproducible),
        rows=measured["rows"],
        metrics_on_champion_rows=metrics.get("on champion rows", {}),
    )


def _features(version: Version | None) -> list[Feature]:
    return [Feature(**feature) for feature in version.facts.get("features", [])] if version else []


def _request(
    project: Project, target: str, candidate: Candidate, table: str, champion_trained_on: str | None
) -> EvaluationRequest:
    """The request: ``table`` holds the rows that judge, ``champion_trained_on`` the champion's own training rows."""
    training_set = candidate.training_set
    slices = _slices(project, training_set)
    checked = checked_rows(project, target)
    names: dict[str, Any] = {
        "features": training_set.features,
        "label": project.label.column,
        "key": project.key,
        "table": training_set.table,
    }
    held_out = render(
        "evaluation/held_out.sql",
        **{**names, "table": table},
        checked=checked,
        slices=slices,
        raw_slices=any(each["raw"] for each in slices),
        groups=project.split.by == "group",
        champion_trained_on=champion_trained_on,
    )
    most = project.evaluation.baseline_rows
    return EvaluationRequest(
        features=training_set.features,
        label=project.label.column,
        task=project.label.task,
        classes=project.label.classes,
        seed=project.seed,
        metric=project.metric.name,
        higher_is_better=project.metric.higher_is_better,
        plan=plan_of(project),
        slices=tuple(Slice(each.column, tuple(each.edges)) for each in project.evaluation.slices),
        held_out=held_out,
        training=render("evaluation/some_rows.sql", most=most, training_alone=True, **names),
        candidate_scores=_scores(project, target, table, candidate.version_name, training_set.features),
        skew=_skew(project, target, candidate, checked, names),
        version=model_version(project, target, candidate.version_name),
    )


def plan_of(project: Project) -> Plan:
    """How figures are measured, as the procedures take it."""
    declared = project.evaluation
    return Plan(
        declared.threshold, declared.confidence, declared.resamples, declared.bootstrap_rows, declared.importance_rows
    )


def _slices(project: Project, training_set: TrainingSet) -> list[dict[str, Any]]:
    """The declared slices, and whether their column is one of the source (``raw``) or a feature."""
    check_slices(project, training_set.features)
    source = project.streamed.table_columns
    return [{"column": each.column, "raw": each.column in source} for each in project.evaluation.slices]


def _scores(project: Project, target: str, table: str, version: str, features: Sequence[Feature]) -> str:
    return render(
        "evaluation/predict_held_out.sql",
        model=model(project, target),
        version=identifier(version),
        task=project.label.task,
        classes=project.label.classes,
        features=features,
        label=project.label.column,
        key=project.key,
        table=table,
    )


def _skew(project: Project, target: str, candidate: Candidate, checked: str, names: dict[str, Any]) -> str:
    return render(
        "evaluation/skew.sql",
        **names,
        most=project.evaluation.skew_rows,
        checked=checked,
        columns=list(project.streamed.table_columns),
        feature_rows=render_features(project, target, "CLEAN"),
        model=model(project, target),
        version=identifier(candidate.version_name),
        task=project.label.task,
        classes=project.label.classes,
    )
