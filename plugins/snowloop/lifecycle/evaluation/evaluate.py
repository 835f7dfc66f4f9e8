"""Stage 4b: candidate, champion and baselines are measured inside Snowflake on the very same held-out rows."""

import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any

from snowloop.lifecycle.data.contract import checked_rows
from snowloop.lifecycle.evaluation.holdout import Lesson, lesson
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
from snowloop.lifecycle.training.train import Candidate
from snowloop.lifecycle.versions import CHAMPION, Version, aliased, model, versions
from snowloop.project import Project
from snowloop.sql import identifier, render, run
from snowloop.workspace import Workspace

__all__ = ["Evaluation", "evaluate"]


def evaluate(workspace: Workspace, candidate: Candidate) -> Evaluation:
    """Measure a candidate, the champion and the baselines on the held-out rows, and write it into OPS.EVALUATIONS.

    Held-out rows that a version was trained on, because it is older than the training set, do not judge it.

    Args:
        workspace: Session, project and environment.
        candidate: The trained candidate.

    Returns:
        What was measured; nothing of a candidate that could not be trained.

    Raises:
        ProjectError: if a slice's column is neither a feature nor a column of the source.
        TrainingError: if the procedure that measures breaks down.
    """
    project = workspace.project
    known = versions(workspace)
    now = aliased(known, CHAMPION)
    if candidate.error:
        return Evaluation(candidate, champion=now.name if now else None)
    features = _features(now)
    same_rows = now is None or (
        set(features) <= set(candidate.training_set.features) and now.classes == project.label.classes
    )
    itself = next((each for each in known if each.name == candidate.version_name), None)
    given = workspace
    own = lesson(given, itself, candidate.training_set)
    other = lesson(given, now, candidate.training_set) if same_rows else Lesson()
    table = own.unseen_rows(project, candidate.training_set)
    order = _order(project, workspace.target, candidate, table, other.table)
    if now is not None and same_rows and not other.unknown:
        order["scores"]["champion"] = _scores(project, workspace.target, table, now.name, features)
    found = call(workspace, EVALUATION, order)
    evaluation = replace(
        _evaluation(candidate, now, same_rows=same_rows, found=found),
        held_out=own.unseen(candidate.training_set.holdout_rows - found["rows"]),
        champion_held_out=other.unseen(found["seen_by_champion"]),
    )
    _record(workspace, evaluation, found)
    return evaluation


def _record(workspace: Workspace, evaluation: Evaluation, found: dict[str, Any]) -> None:
    project = workspace.project
    candidate = evaluation.candidate
    run(
        workspace.session,
        "evaluate/record.sql",
        database=workspace.database,
        evaluation_id=evaluation.evaluation_id,
        model=project.model_name,
        version=candidate.version_name,
        training_set=candidate.training_set.fingerprint,
        rows=list(evaluation.facts()),
    )
    details = {
        **_settings(project, evaluation),
        "query_id": found["query_id"],
        "curves": found["curves"],
        "results": evaluation.results(),
    }
    run(
        workspace.session,
        "evaluate/record_details.sql",
        database=workspace.database,
        evaluation_id=evaluation.evaluation_id,
        model=project.model_name,
        version=candidate.version_name,
        details=json.dumps(details),
    )


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


def _evaluation(candidate: Candidate, now: Version | None, *, same_rows: bool, found: dict[str, Any]) -> Evaluation:
    measured, calibration = found["metrics"], found["calibration"]
    own = {} if now is None or same_rows else now.metrics
    steady = {name: value for name, value in found.items() if name not in ("cost", "query_id")}  # new each time
    return Evaluation(
        candidate,
        measured["candidate"],
        champion=now.name if now else None,
        champion_metrics=measured.get("champion", own),
        same_rows=same_rows,
        interval=Interval(**found["interval"]) if found["interval"] else None,
        differences={other: Interval(**each) for other, each in found["differences"].items()},
        baselines={name: measured[name] for name in ("dummy", "simple") if name in measured},
        slices=tuple(SliceResult(**each) for each in found["slices"]),
        calibration=Calibration(**{**calibration, "bins": tuple(Bin(**each) for each in calibration["bins"])}),
        confusion=found["confusion"],
        classes=tuple(ClassResult(**each) for each in found["classes"]),
        importance=found["importance"],
        skew=Skew(**found["skew"]),
        cost=Cost(**found["cost"]),
        evaluation_id=content_hash(candidate.version_name, now.name if now else None, steady),
        rows=found["rows"],
        metrics_on_champion_rows=measured.get("beside champion", {}),
    )


def _features(version: Version | None) -> list[Feature]:
    return [Feature(**feature) for feature in version.facts.get("features", [])] if version else []


def _order(
    project: Project, target: str, candidate: Candidate, table: str, champion_learnt: str | None
) -> dict[str, Any]:
    """The request: ``table`` holds the rows that judge, ``champion_learnt`` what the champion was trained on."""
    training_set = candidate.training_set
    slices = _slices(project, training_set)
    checked = checked_rows(project, target)
    names: dict[str, Any] = {
        "features": training_set.features,
        "label": project.label.column,
        "key": project.key,
        "table": training_set.table,
    }
    raw_slices = any(each["raw"] for each in slices)
    groups = project.split.by == "group"
    told = {"slices": slices, "raw_slices": raw_slices, "groups": groups, "champion_learnt": champion_learnt}
    held_out = render("evaluate/held_out.sql", checked=checked, **told, **{**names, "table": table})
    most = project.evaluation.baseline_rows
    return {
        "do": "evaluate",
        "task": project.label.task,
        "classes": project.label.classes,
        "metric": project.metric.name,
        "higher_is_better": project.metric.higher_is_better,
        "seed": project.seed,
        "plan": project.evaluation.model_dump(exclude={"slices"}),
        "slices": slices,
        "features": [asdict(feature) for feature in training_set.features],
        "label": project.label.column,
        "held_out": held_out,
        "training": render("evaluate/some_rows.sql", most=most, training_alone=True, **names),
        "scores": {"candidate": _scores(project, target, table, candidate.version_name, training_set.features)},
        "skew": _skew(project, target, candidate, checked, names),
        "database": project.database(target),
        "schema": "MODELS",
        "model": project.model_name,
        "version": candidate.version_name,
    }


def _slices(project: Project, training_set: TrainingSet) -> list[dict[str, Any]]:
    check_slices(project, training_set.features)
    source = project.streamed.table_columns
    found = []
    for declared in project.evaluation.slices:
        raw = declared.column in source
        found.append({"column": declared.column, "edges": list(declared.edges), "raw": raw})
    return found


def _scores(project: Project, target: str, table: str, version: str, features: Sequence[Feature]) -> str:
    return render(
        "train/predict_held_out.sql",
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
        "evaluate/skew.sql",
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
