"""Stage 4b: candidate, champion and baselines are measured inside Snowflake on the very same held-out rows."""

import json
from dataclasses import replace
from typing import Any

from snowloop.errors import TrainingError
from snowloop.lifecycle.data.contract import checked_rows
from snowloop.lifecycle.evaluation.holdout import TrainingRows, training_rows_of
from snowloop.lifecycle.evaluation.newer import measured_newer, newer_rows
from snowloop.lifecycle.evaluation.parts import (
    Bin,
    Calibration,
    ClassResult,
    Cost,
    GroupGap,
    GroupResult,
    Interval,
    SliceResult,
)
from snowloop.lifecycle.evaluation.results import Evaluation, Rival
from snowloop.lifecycle.evaluation.rivals import Measurable, RivalRows, rivals_of, scores_query
from snowloop.lifecycle.evaluation.served import Robustness, RobustnessFailure, Skew, SkewKind, skew_tolerance
from snowloop.lifecycle.features.baseline import write_score_baseline
from snowloop.lifecycle.features.feature import Feature
from snowloop.lifecycle.features.formula import formula_of
from snowloop.lifecycle.features.queries import check_slices
from snowloop.lifecycle.features.training_set import TrainingSet
from snowloop.lifecycle.procedure.calls import EVALUATION, call
from snowloop.lifecycle.provenance import content_hash
from snowloop.lifecycle.training.train import Candidate, model_version
from snowloop.lifecycle.versions import Version, model, serving, versions
from snowloop.project import Project
from snowloop.sql import Parameter, identifier, prepare, render
from snowloop.workspace import Workspace
from snowloop_procedures.requests import EvaluationRequest, Limits, Plan, Probing, ServedRequest, Slice

__all__ = ["Evaluation", "evaluate"]
ROBUSTNESS = "evaluation/robustness.sql"
FLOATS = ("FLOAT", "DOUBLE", "REAL")
"""What the types begin with that hold infinity (docs: Numeric data types)."""


def evaluate(workspace: Workspace, candidate: Candidate) -> Evaluation:
    """Measure a candidate, its rivals and the baselines on the held-out rows, and write it into OPS.EVALUATIONS.

    Its rivals are the champion, and the reference if that is another version: see ``ledger.reference_after``.

    Held-out rows that a version was trained on, because it is older than the training set, do not judge it. All rows
    that arrived since are a second hold-out of such a version.

    Args:
        candidate: The trained candidate.

    Returns:
        The evaluation; without figures of a candidate that could not be trained.

    Raises:
        ProjectError: if a slice's column is neither a feature nor a column of the source.
        TrainingError: if the procedure that measures breaks down, or the training set's features.sql is gone.
    """
    project = workspace.project
    existing = versions(workspace)
    if candidate.error:
        now = serving(workspace, existing)
        return Evaluation(candidate, champion=now.name if now else None)
    itself = next((each for each in existing if each.name == candidate.version_name), None)
    own = training_rows_of(workspace, itself, candidate.training_set)
    table = own.rows_without(project, candidate.training_set)
    rivals = rivals_of(workspace, existing, candidate, table)
    newer = newer_rows(workspace, existing, candidate, own)
    request = replace(_request(workspace, candidate, table, rivals), newer=newer)
    measured = call(workspace, EVALUATION, request)
    evaluation = replace(
        _evaluation(candidate, rivals, measured),
        held_out=own.held_out(candidate.training_set.holdout_rows - measured["rows"]),
    )
    _record(workspace, evaluation, measured)
    fingerprint = candidate.training_set.fingerprint
    write_score_baseline(workspace, fingerprint, candidate.version_name, measured["score_bins"])
    return evaluation


def ask_refitted(workspace: Workspace, refitted: Candidate, judged: Version) -> Evaluation:
    """Ask a version that was trained on all rows what can be asked of it, next to the version that was judged.

    Skew, odd rows, size and time are as of any version. Its metric on the rows that were held out of the judged version
    is that of rows it was trained on; so nothing of this is recorded as an evaluation.

    Args:
        refitted: The version that was trained on all rows, with the training set of the judged one.
        judged: The version that was judged, which stands in the place of the champion.

    Returns:
        What was measured.

    Raises:
        TrainingError: if the procedure that measures breaks down, or the training set's features.sql is gone.
    """
    training_set = refitted.training_set
    rows = RivalRows(training_set.table, training_set.features)
    rivals = {"champion": Measurable(judged.name, judged, rows, TrainingRows(), judged.name)}
    measured = call(workspace, EVALUATION, _request(workspace, refitted, training_set.table, rivals))
    return _evaluation(refitted, rivals, measured)


def ask_served(workspace: Workspace, candidate: Candidate) -> tuple[Skew, Robustness | None]:
    """Ask a version as it is served, over the rows of its training set's table that are held out.

    Args:
        candidate: The version, with a training set whose table may be any rows with its features; the environment
            records the features.sql of its fingerprint.

    Returns:
        The skew, and what the version makes of odd rows; None if no row could be changed.

    Raises:
        TrainingError: if the procedure that measures breaks down, or the training set's features.sql is gone.
    """
    project, target, training_set = workspace.project, workspace.target, candidate.training_set
    names = {
        "features": training_set.features,
        "label": project.label.column,
        "key": project.row_key,
        "table": training_set.table,
    }
    checked, feature_rows = checked_rows(project, target), _feature_rows(workspace, candidate)
    request = ServedRequest(
        features=training_set.features,
        label=project.label.column,
        task=project.label.task,
        classes=project.label.classes,
        seed=project.seed,
        skew=_skew(workspace, candidate, checked, feature_rows, names),
        tolerance=skew_tolerance(project),
        probing=_probing(workspace, candidate, checked, feature_rows, names) if training_set.holdout_rows else None,
        version=model_version(project, target, candidate.version_name),
    )
    measured = call(workspace, EVALUATION, request)
    return _measured_skew(candidate, measured["skew"]), _measured_robustness(measured["robustness"])


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
        "champion_measured_by": evaluation.champion_measured_by,
        "same_rows": evaluation.same_rows,
        "champion_unmeasured": evaluation.champion_unmeasured,
        "left_out": evaluation.held_out.left_out,
        "champion_left_out": evaluation.champion_held_out.left_out,
        "seed": project.seed,
        "cross_validation": project.cross_validation,
        **project.evaluation.model_dump(mode="json"),
    }


def _evaluation(candidate: Candidate, measurable: dict[str, Measurable], measured: dict[str, Any]) -> Evaluation:
    metrics, calibration = measured["metrics"], measured["calibration"]
    rivals = {kind: rival.measured(kind, measured) for kind, rival in measurable.items()}
    champion = rivals.get("champion") or Rival("")
    # Times and the query's id are others each time: they must not make it another evaluation.
    reproducible = {name: value for name, value in measured.items() if name not in ("cost", "query_id")}
    return Evaluation(
        candidate,
        metrics["candidate"],
        champion=champion.name or None,
        champion_metrics=champion.metrics,
        champion_unmeasured=champion.unmeasured,
        champion_measured_by=champion.measured_by,
        interval=Interval(**measured["interval"]) if measured["interval"] else None,
        differences={other: Interval(**each) for other, each in measured["differences"].items()},
        baselines={name: metrics[name] for name in ("dummy", "simple") if name in metrics},
        slices=tuple(SliceResult(**each) for each in measured["slices"]),
        groups=tuple(GroupResult(**each) for each in measured["fairness"]["groups"]),
        gaps=tuple(GroupGap.of(each) for each in measured["fairness"]["gaps"]),
        calibration=Calibration(**{**calibration, "bins": tuple(Bin(**each) for each in calibration["bins"])}),
        confusion=measured["confusion"],
        classes=tuple(ClassResult(**each) for each in measured["classes"]),
        importance=measured["importance"],
        skew=_measured_skew(candidate, measured["skew"]),
        robustness=_measured_robustness(measured["robustness"]),
        cost=Cost(**measured["cost"]),
        evaluation_id=content_hash(candidate.version_name, [each.name for each in rivals.values()], reproducible),
        rows=measured["rows"],
        champion_held_out=champion.held_out,
        metrics_on_champion_rows=champion.candidate_metrics,
        reference=rivals.get("reference"),
        newer=measured_newer(measured["newer"]),
    )


def _measured_skew(candidate: Candidate, measured: dict[str, Any]) -> Skew:
    kinds = tuple(SkewKind(**each) for each in measured["kinds"])
    return Skew(**{**measured, "kinds": kinds}, salt=_salt(candidate))


def _measured_robustness(measured: dict[str, Any] | None) -> Robustness | None:
    if measured is None:
        return None
    failures = tuple(RobustnessFailure(**each) for each in measured["failures"])
    return Robustness(**{**measured, "failures": failures})


def _salt(candidate: Candidate) -> str:
    """Salt of the rows that are scored twice: others for each version and training set, so that none is never drawn."""
    return f"{candidate.training_set.fingerprint} {candidate.version_name}"


def _request(
    workspace: Workspace, candidate: Candidate, table: str, rivals: dict[str, Measurable]
) -> EvaluationRequest:
    """The request: ``table`` holds the rows that judge."""
    project, target, training_set = workspace.project, workspace.target, candidate.training_set
    slices = _slices(project, training_set)
    checked = checked_rows(project, target)
    names: dict[str, Any] = {
        "features": training_set.features,
        "label": project.label.column,
        "key": project.row_key,
        "table": training_set.table,
    }
    held_out = render(
        "evaluation/held_out.sql",
        **{**names, "table": table},
        checked=checked,
        slices=slices,
        raw_slices=any(each["raw"] for each in slices),
        dependent_by=project.split.kept_as,
        trained_on={kind.upper(): each.trained_on.table for kind, each in rivals.items() if each.trained_on.table},
    )
    most, feature_rows = project.evaluation.baseline_rows, _feature_rows(workspace, candidate)
    probing = _probing(workspace, candidate, checked, feature_rows, names) if training_set.holdout_rows else None
    scores = {kind: each.scores(project, target) for kind, each in rivals.items()}
    return EvaluationRequest(
        features=training_set.features,
        label=project.label.column,
        task=project.label.task,
        classes=project.label.classes,
        seed=project.seed,
        metric=project.metric.name,
        higher_is_better=project.metric.higher_is_better,
        plan=plan_of(project),
        slices=tuple(
            Slice(each.column, tuple(each.edges), each.inclusion, each.min_rows, each.min_events)
            for each in project.evaluation.slices
        ),
        held_out=held_out,
        training=render("evaluation/some_rows.sql", most=most, training_alone=True, **names),
        candidate_scores=scores_query(project, target, table, candidate.version_name, training_set.features),
        champion_scores=scores.get("champion"),
        reference_scores=scores.get("reference"),
        skew=_skew(workspace, candidate, checked, feature_rows, names),
        tolerance=skew_tolerance(project),
        probing=probing,
        version=model_version(project, target, candidate.version_name),
    )


def plan_of(project: Project) -> Plan:
    """How figures are measured, as the procedures take it."""
    declared = project.evaluation
    return Plan(declared.threshold, declared.confidence, declared.importance_rows)


def _slices(project: Project, training_set: TrainingSet) -> list[dict[str, Any]]:
    """The declared slices, and whether their column is one of the source (``raw``) or a feature."""
    check_slices(project, training_set.features)
    source = project.streamed.table_columns
    return [{"column": each.column, "raw": each.column in source} for each in project.evaluation.slices]


def _feature_rows(workspace: Workspace, candidate: Candidate) -> str:
    """The query of the candidate's own features over the rows CLEAN."""
    fingerprint = candidate.training_set.fingerprint
    formula = formula_of(workspace, fingerprint)
    if formula is None:
        message = (
            f"{workspace.database}.OPS.TRAINING_SETS has no features.sql for training set {fingerprint}: restore the "
            "row, or build the training set again by the train DAG"
        )
        raise TrainingError(message)
    return formula.over("CLEAN", workspace.database)


def _skew(workspace: Workspace, candidate: Candidate, checked: str, feature_rows: str, names: dict[str, Any]) -> str:
    project, target = workspace.project, workspace.target
    return render(
        "evaluation/skew.sql",
        **names,
        most=project.evaluation.skew_rows,
        salt=_salt(candidate),
        checked=checked,
        columns=list(project.streamed.table_columns),
        feature_rows=feature_rows,
        model=model(project, target),
        version=identifier(candidate.version_name),
        task=project.label.task,
        classes=project.label.classes,
    )


def _probing(
    workspace: Workspace, candidate: Candidate, checked: str, feature_rows: str, names: dict[str, Any]
) -> Probing:
    """How the served model is asked about odd values: those of the features that a row of the source can have."""
    project, target = workspace.project, workspace.target
    columns = project.streamed.table_columns
    null = {
        name: f"NULL::{column.type}" for name, column in columns.items() if column.nullable or name in project.row_key
    }
    infinite = {
        name: f"'{'inf' if column.max is None else '-inf'}'::FLOAT"
        for name, column in columns.items()
        if column.type.startswith(FLOATS) and None in (column.min, column.max)
    }
    row = {**names, "checked": checked, "feature_rows": feature_rows, "columns": columns}
    changed = {
        "of which every column that may be NULL is": null,
        "of which every FLOAT column without min or max is infinite": infinite,
    }
    ask, _ = prepare(
        f"{ROBUSTNESS}#ask",
        **names,
        probes=Parameter("probes"),
        model=model(project, target),
        version=identifier(candidate.version_name),
        task=project.label.task,
        classes=project.label.classes,
    )
    return Probing(
        facts=render(f"{ROBUSTNESS}#facts", **names),
        changed_rows=tuple(
            (what, render(f"{ROBUSTNESS}#changed_row", **row, replaced=replaced))
            for what, replaced in changed.items()
            if replaced
        ),
        ask=ask,
        limits=tuple(_limits(project, feature) for feature in candidate.training_set.features),
    )


def _limits(project: Project, feature: Feature) -> Limits:
    column = project.streamed.table_columns.get(feature.name)
    return Limits(column.min, column.max, column.allowed is not None) if column else Limits()
