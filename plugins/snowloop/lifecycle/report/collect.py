"""Reads the content of a model card from OPS, the training set, and the version in the registry."""

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from snowloop.checks import Check, Outcome
from snowloop.errors import ReportError
from snowloop.lifecycle.report.card import (
    Card,
    Data,
    EvaluationSummary,
    FeatureFacts,
    LoadSummary,
    Part,
    VerdictSummary,
)
from snowloop.lifecycle.report.figures import summarize_evaluation
from snowloop.lifecycle.versions import versions
from snowloop.sql import identifier
from snowloop.workspace import Workspace

if TYPE_CHECKING:
    from snowflake.snowpark import Row


def collect(workspace: Workspace, *, verdict_id: str | None = None, version: str | None = None) -> Card:
    """Gather a model card.

    Args:
        verdict_id: The verdict that it is about; None: the latest.
        version: Only verdicts on this version; not together with ``verdict_id``.

    Raises:
        ReportError: if there is no such verdict.
    """
    project = workspace.project
    verdict = _verdict(workspace, _verdict_id(workspace, verdict_id, version))
    facts = next((each.facts for each in versions(workspace) if each.name == verdict.version), {})
    evaluation = _evaluation(workspace, verdict.evaluation_id)
    return Card(
        project=project.name,
        purpose=project.description,
        owners=project.owners,
        tags=project.tags,
        target=workspace.target,
        model=f"{workspace.database}.MODELS.{project.model_name}",
        verdict=verdict,
        evaluation=evaluation,
        data=_data(workspace, verdict.training_set),
        features=_features(workspace, verdict.training_set, facts.get("features", []), evaluation),
        version_facts={name: value for name, value in facts.items() if name != "features"},
    )


def _verdict_id(workspace: Workspace, verdict_id: str | None, version: str | None) -> str:
    if verdict_id:
        return verdict_id
    rows = workspace.run("gate/queries.sql#newest", model_name=workspace.project.model_name, version=version)
    if rows:
        return str(rows[0]["VERDICT_ID"])
    which = f"on version {version} " if version else ""
    raise ReportError(
        f"there is no verdict {which}in {workspace.database}.OPS.VERDICTS, so there is nothing to report: run the "
        "training DAG, or name a version on which the gate has decided"
    )


def _verdict(workspace: Workspace, verdict_id: str) -> VerdictSummary:
    rows = workspace.run("report/queries.sql#verdict", verdict_id=verdict_id)
    if not rows:
        raise ReportError(
            f"there is no verdict {verdict_id} in {workspace.database}.OPS.VERDICTS: leave it out to report the latest"
        )
    first = rows[0]
    return VerdictSummary(
        verdict_id,
        first["MODEL_VERSION"],
        tuple(_check(row) for row in rows if row["CHECK_NAME"] != "OVERRIDE"),
        first["CHAMPION"],
        first["TRAINING_SET"],
        first["GIT_COMMIT"],
        _moment(first["DECIDED_AT"]),
        first["EVALUATION_ID"] or None,
        next((row["REASON"] for row in rows if row["CHECK_NAME"] == "OVERRIDE"), None),
        first["JUDGED_VERSION"],
    )


def _check(row: "Row") -> Check:
    outcome: Outcome = "not_asked" if row["PASSED"] is None else "passed" if row["PASSED"] else "failed"
    value, bound, baseline = (_float(row[name]) for name in ("VALUE", "BOUND", "BASELINE"))
    return Check(row["CHECK_NAME"], outcome, row["REASON"], value, bound, baseline=baseline)


def _evaluation(workspace: Workspace, evaluation_id: str | None) -> EvaluationSummary | None:
    if evaluation_id is None:
        return None
    details = workspace.run("report/queries.sql#evaluation_details", evaluation_id=evaluation_id)
    return summarize_evaluation(json.loads(details[0]["DETAILS"])) if details else None


def _data(workspace: Workspace, fingerprint: str) -> Data | None:
    rows = workspace.run("report/queries.sql#training_set", fingerprint=fingerprint)
    if not rows:
        return None
    (row,) = rows
    name, built_at = str(row["TABLE_NAME"]), _moment(row["CREATED_AT"])
    loads = workspace.run("report/queries.sql#loads", built_at=str(row["CREATED_AT"]))
    return Data(
        name,
        int(row["ROWS_TOTAL"]),
        int(row["ROWS_HELD_OUT"]),
        int(row["ROWS_SET_ASIDE"]),
        row["GIT_COMMIT"],
        built_at,
        _parts(workspace, name),
        tuple(_load(load) for load in loads),
    )


def _parts(workspace: Workspace, table: str) -> tuple[Part, ...]:
    if not workspace.exists("TABLES", "FEATURES", table):
        return ()
    label = workspace.project.label
    rows = workspace.run(
        "report/queries.sql#labels",
        table=identifier(workspace.database, "FEATURES", table),
        label=label.column,
        classes=label.task != "regression",
    )
    figures = ("MEAN", "DEVIATION", "LOWEST", "HIGHEST")
    return tuple(
        Part(bool(row["IS_HOLDOUT"]), row["CLASS"], int(row["N"]), *(_float(row[name]) for name in figures))
        for row in rows
    )


def _float(value: Any) -> float | None:
    return None if value is None else float(value)


def _load(row: "Row") -> LoadSummary:
    loaded, rejected = int(row["ROWS_LOADED"] or 0), int(row["ROWS_REJECTED"] or 0)
    share = float(row["HIGHEST_SHARE"] or 0)
    return LoadSummary(row["SOURCE"], int(row["FILES"]), loaded, rejected, share, row["QUERY_ID"])


def _features(
    workspace: Workspace, fingerprint: str, features: Sequence[dict[str, str]], evaluation: EvaluationSummary | None
) -> tuple[FeatureFacts, ...]:
    rows = workspace.run("report/queries.sql#single_features", fingerprint=fingerprint)
    alone = {row["FEATURE"]: row["VALUE"] for row in rows}
    importance = dict(evaluation.importance) if evaluation else {}
    return tuple(
        FeatureFacts(each["name"], each["type"], _float(alone.get(each["name"])), importance.get(each["name"]))
        for each in features
    )


def _moment(value: Any) -> str:
    return f"{value:%Y-%m-%d %H:%M:%S} UTC"
