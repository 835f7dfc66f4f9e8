"""The versions of the model as SHOW VERSIONS lists them, and whether one fits the deployed statements."""

import json
from dataclasses import asdict
from typing import Any

from snowflake.snowpark import Session

from snowloop_procedures.scoring_request import ScoringRequest


def versions_by_alias(session: Session, request: ScoringRequest) -> dict[str, dict[str, Any]]:
    """The rows of SHOW VERSIONS by alias, with column names in lower case and without quotes."""
    by_alias: dict[str, dict[str, Any]] = {}
    for row in request.versions.execute(session):
        plain = {name.strip('"').lower(): value for name, value in row.as_dict().items()}
        by_alias |= dict.fromkeys(json.loads(plain["aliases"] or "[]"), plain)
    return by_alias


def misfit(version: dict[str, Any], request: ScoringRequest) -> str | None:
    """Why a version does not fit the deployed statements: it predicts other classes, or takes other features.

    Args:
        version: Its row of SHOW VERSIONS; training wrote its features and classes into the comment.
        request: What was deployed.

    Returns:
        The reason and what to do; None if it fits.
    """
    facts, where = _facts(version), f"version {version['name']} of {request.model}"
    if not facts:
        return (
            f"{where} has no features in its comment: it was logged without the training procedure, or the comment was "
            "changed. Promote a version that was trained by Snowloop, or restore the comment: "
            "ALTER MODEL … MODIFY VERSION … SET COMMENT"
        )
    features, classes = facts.get("features"), facts.get("classes") or []
    if classes != list(request.classes):
        return (
            f"{where} predicts the classes {classes}, scoring is deployed for {list(request.classes)}: deploy scoring "
            "again, or train with the declared classes"
        )
    deployed = [asdict(feature) for feature in request.features]
    if features != deployed:
        return (
            f"{where} takes other features than the deployed features.sql gives ({features}, not {deployed}): train "
            "again, or deploy the features.sql it was trained with"
        )
    return None


def _facts(version: dict[str, Any]) -> dict[str, Any]:
    """What training wrote into the comment; nothing if the comment is from somebody else."""
    try:
        facts = json.loads(version["comment"] or "{}")
    except json.JSONDecodeError:
        return {}
    return facts if isinstance(facts, dict) else {}
