"""Reads what a model card says from where it is stored: OPS, the training set, and the version in the registry."""

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from snowloop.checks import Check, Outcome
from snowloop.errors import ReportError
from snowloop.lifecycle.report.card import Card, Data, FeatureFacts, Judged, Loaded, Measured, Part
from snowloop.lifecycle.report.figures import measured_of
from snowloop.lifecycle.versions import show, versions
from snowloop.project import Project
from snowloop.sql import identifier, run
from snowloop.workspace import Workspace

if TYPE_CHECKING:
    from snowflake.snowpark import Row, Session


def collect(workspace: Workspace, *, verdict_id: str | None = None, version: str | None = None) -> Card:
    """Gather a model card.

    Args:
        workspace: Session, project and environment.
        verdict_id: The verdict that it is about; None: the last one.
        version: Only verdicts on this version; not together with ``verdict_id``.

    Returns:
        The card.

    Raises:
        ReportError: if there is no such verdict.
    """
    project = workspace.project
    judged = _judged(workspace, _verdict_id(workspace, verdict_id, version))
    database = workspace.database
    facts = next((each.facts for each in versions(workspace) if each.name == judged.version), {})
    measured = _measured(workspace.session, database, judged.evaluation_id)
    return Card(
        project=project.name,
        purpose=project.description,
        owners=project.owners,
        tags=project.tags,
        target=workspace.target,
        model=f"{database}.MODELS.{project.model_name}",
        judged=judged,
        measured=measured,
        data=_data(workspace.session, project, database, judged.training_set),
        features=_features(workspace.session, database, judged.training_set, facts.get("features", []), measured),
        version_facts={name: value for name, value in facts.items() if name != "features"},
    )


def _verdict_id(workspace: Workspace, verdict_id: str | None, version: str | None) -> str:
    if verdict_id:
        return verdict_id
    database = workspace.database
    found = run(
        workspace.session,
        "gate/queries.sql#newest",
        database=database,
        model_name=workspace.project.model_name,
        version=version,
    )
    if found:
        return str(found[0]["VERDICT_ID"])
    whose = f"on version {version} " if version else ""
    message = (
        f"there is no verdict {whose}in {database}.OPS.VERDICTS, so there is nothing to report: run the training loop, "
        "or name a version that the gate has judged"
    )
    raise ReportError(message)


def _judged(workspace: Workspace, verdict_id: str) -> Judged:
    database = workspace.database
    rows = run(workspace.session, "report/verdict.sql", database=database, verdict_id=verdict_id)
    if not rows:
        message = f"there is no verdict {verdict_id} in {database}.OPS.VERDICTS: leave it out to report the last one"
        raise ReportError(message)
    first = rows[0]
    return Judged(
        verdict_id,
        first["MODEL_VERSION"],
        tuple(_check(row) for row in rows if row["CHECK_NAME"] != "OVERRIDE"),
        first["CHAMPION"],
        first["TRAINING_SET"],
        first["GIT_COMMIT"],
        _moment(first["DECIDED_AT"]),
        first["EVALUATION_ID"] or None,
        next((row["REASON"] for row in rows if row["CHECK_NAME"] == "OVERRIDE"), None),
    )


def _check(row: "Row") -> Check:
    outcome: Outcome = "not_asked" if row["PASSED"] is None else "passed" if row["PASSED"] else "failed"
    figures = (_float(row[name]) for name in ("VALUE", "BOUND", "BASELINE"))
    value, bound, baseline = figures
    return Check(row["CHECK_NAME"], outcome, row["REASON"], value, bound, baseline=baseline)


def _measured(session: "Session", database: str, evaluation_id: str | None) -> Measured | None:
    if evaluation_id is None:
        return None
    details = run(session, "report/details.sql", database=database, evaluation_id=evaluation_id)
    return measured_of(json.loads(details[0]["DETAILS"])) if details else None


def _data(session: "Session", project: Project, database: str, fingerprint: str) -> Data | None:
    found = run(session, "report/training_set.sql", database=database, fingerprint=fingerprint)
    if not found:
        return None
    row = found[0]
    name, built_at = str(row["TABLE_NAME"]), _moment(row["CREATED_AT"])
    loads = run(session, "report/loads.sql", database=database, built_at=str(row["CREATED_AT"]))
    return Data(
        name,
        int(row["ROWS_TOTAL"]),
        int(row["ROWS_HELD_OUT"]),
        int(row["ROWS_SET_ASIDE"]),
        row["GIT_COMMIT"],
        built_at,
        _parts(session, project, database, name),
        tuple(_loaded(load) for load in loads),
    )


def _parts(session: "Session", project: Project, database: str, table: str) -> tuple[Part, ...]:
    if not show(session, f"SHOW TABLES LIKE '{table}' IN SCHEMA {identifier(database, 'FEATURES')}"):
        return ()
    classes = project.label.task != "regression"
    names: dict[str, Any] = {"table": identifier(database, "FEATURES", table), "label": project.label.column}
    return tuple(
        Part(bool(row["IS_HOLDOUT"]), row["CLASS"], int(row["N"]), *(_float(row[name]) for name in SPREAD))
        for row in run(session, "report/labels.sql", classes=classes, **names)
    )


SPREAD = ("MEAN", "SPREAD", "LEAST", "MOST")


def _float(value: Any) -> float | None:
    return None if value is None else float(value)


def _loaded(row: "Row") -> Loaded:
    loaded, rejected = int(row["ROWS_LOADED"] or 0), int(row["ROWS_REJECTED"] or 0)
    return Loaded(row["SOURCE"], int(row["FILES"]), loaded, rejected, row["QUERY_ID"])


def _features(
    session: "Session", database: str, fingerprint: str, features: Sequence[dict[str, str]], measured: Measured | None
) -> tuple[FeatureFacts, ...]:
    alone = {
        row["FEATURE"]: row["VALUE"]
        for row in run(session, "report/leakage.sql", database=database, fingerprint=fingerprint)
    }
    importance = dict(measured.importance) if measured else {}
    return tuple(
        FeatureFacts(each["name"], each["type"], _float(alone.get(each["name"])), importance.get(each["name"]))
        for each in features
    )


def _moment(value: Any) -> str:
    return f"{value:%Y-%m-%d %H:%M:%S} UTC"
