"""The versions of the model as SHOW VERSIONS lists them, and whether one fits the deployed statements."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from snowflake.snowpark import Session

from snowloop_procedures.requests import Class, Feature
from snowloop_procedures.scoring_request import ScoringRequest


def versions_by_alias(session: Session, request: ScoringRequest) -> dict[str, dict[str, Any]]:
    """The rows of SHOW VERSIONS by alias, with column names in lower case and without quotes."""
    by_alias: dict[str, dict[str, Any]] = {}
    for row in request.versions.execute(session):
        plain = {name.strip('"').lower(): value for name, value in row.as_dict().items()}
        by_alias |= dict.fromkeys(json.loads(plain["aliases"] or "[]"), plain)
    return by_alias


@dataclass(frozen=True)
class Misfit:
    """One way in which a version does not fit the rows that it is to score.

    Args:
        part: ``comment``: it does not record what the version takes; ``classes`` or ``features``: they differ.
        actual: The version's own, in order; None of ``comment``.
        required: The ones that it must have, in order.
    """

    part: Literal["comment", "classes", "features"]
    actual: list[Any] | None
    required: list[Any]


def misfits(facts: Mapping[str, Any], features: Iterable[Feature], classes: Iterable[Class]) -> list[Misfit]:
    """The one rule whether a version can score rows: it takes their features, and predicts the declared classes.

    Args:
        facts: What training wrote into the version's comment; empty if the comment is from somebody else.
        features: The features that features.sql gives, in order.
        classes: The classes of a multiclass label, in order; none of another task.

    Returns:
        Every way in which it does not fit; none if it fits.
    """
    given, declared = [{"name": each.name, "type": each.type} for each in features], list(classes)
    if not isinstance(facts.get("features"), list):
        return [Misfit("comment", None, given)]
    pairs = {"classes": (facts.get("classes") or [], declared), "features": (facts["features"], given)}
    return [Misfit(part, *pair) for part, pair in pairs.items() if pair[0] != pair[1]]  # type: ignore[arg-type]


def misfit(version: dict[str, Any], request: ScoringRequest) -> str | None:
    """Why a version does not fit the deployed statements: it predicts other classes, or takes other features.

    Args:
        version: Its row of SHOW VERSIONS; training wrote its features and classes into the comment.
        request: What was deployed.

    Returns:
        The reason and what to do; None if it fits.
    """
    where = f"version {version['name']} of {request.model}"
    first = next(iter(misfits(_facts(version), request.features, request.classes)), None)
    if first is None:
        return None
    reasons = {
        "comment": (
            "has no features in its comment: it was logged without the training procedure, or the comment was changed. "
            "Promote a version that was trained by Snowloop, or restore the comment: ALTER MODEL … MODIFY VERSION … "
            "SET COMMENT"
        ),
        "classes": (
            f"predicts the classes {first.actual}, scoring is deployed for {first.required}: deploy scoring again, or "
            "train with the declared classes"
        ),
        "features": (
            f"takes other features than the deployed features.sql gives ({first.actual}, not {first.required}): train "
            "again, or deploy the features.sql it was trained with"
        ),
    }
    return f"{where} {reasons[first.part]}"


def _facts(version: dict[str, Any]) -> dict[str, Any]:
    """What training wrote into the comment; nothing if the comment is from somebody else."""
    try:
        facts = json.loads(version["comment"] or "{}")
    except json.JSONDecodeError:
        return {}
    return facts if isinstance(facts, dict) else {}
