"""The versions of the model as SHOW VERSIONS tells them, and whether one fits what is deployed; staged with scoring."""

import json
from typing import Any

from snowflake.snowpark import Session


def aliased(session: Session, texts: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The rows of SHOW VERSIONS by alias, with column names in lower case and without quotes."""
    found: dict[str, dict[str, Any]] = {}
    for row in session.sql(texts["versions"]).collect():
        plain = {name.strip('"').lower(): value for name, value in row.as_dict().items()}
        found |= dict.fromkeys(json.loads(plain["aliases"] or "[]"), plain)
    return found


def misfit(version: dict[str, Any], texts: dict[str, Any]) -> str | None:
    """Why a version cannot be asked by the deployed statements: it tells other classes, or takes other features.

    Args:
        version: Its row of SHOW VERSIONS; its comment holds what training wrote.
        texts: The rendered statements.

    Returns:
        The reason and what to do, or None.
    """
    facts = _facts(version)
    if not facts:
        return (
            f"version {version['name']} of {texts['model']} does not tell in its comment what it takes: it was logged "
            "by other means than the training procedure, or somebody changed the comment. Promote a version that was "
            "trained by Snowloop, or give this one its comment back: ALTER MODEL … MODIFY VERSION … SET COMMENT"
        )
    features, classes = facts.get("features"), facts.get("classes") or []
    if classes != texts["classes"]:
        return (
            f"version {version['name']} of {texts['model']} tells the classes {classes}, deployed is scoring for "
            f"{texts['classes']}: deploy scoring again, or train with the declared classes"
        )
    if features != texts["features"]:
        return (
            f"version {version['name']} of {texts['model']} takes other features than the deployed features.sql "
            f"gives ({features} against {texts['features']}): train again, or deploy the features.sql it was "
            "trained with"
        )
    return None


def _facts(version: dict[str, Any]) -> dict[str, Any]:
    """What training wrote into the comment; nothing of one that somebody else wrote."""
    try:
        facts = json.loads(version["comment"] or "{}")
    except json.JSONDecodeError:
        return {}
    return facts if isinstance(facts, dict) else {}
