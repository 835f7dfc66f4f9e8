"""The versions of the model as SHOW VERSIONS lists them, and whether one fits the deployed statements."""

import difflib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from snowflake.snowpark import Session

from snowloop_procedures.requests import Class, Feature
from snowloop_procedures.scoring_request import ScoringRequest

DIFF_LINES = 20
"""Most lines of a difference in a message."""


def model_versions(session: Session, request: ScoringRequest) -> list[dict[str, Any]]:
    """The rows of SHOW VERSIONS, with column names in lower case and without quotes."""
    rows = request.versions.execute(session)
    return [{name.strip('"').lower(): value for name, value in row.as_dict().items()} for row in rows]


@dataclass(frozen=True)
class Misfit:
    """One way in which a version does not fit the rows that it is to score.

    Args:
        part: ``comment``: it does not record what the version takes; ``classes``, ``features`` or ``formula``: they
            differ.
        actual: The version's own, in order, or the digest of its formula; None if it does not record it.
        required: What it must have.
    """

    part: Literal["comment", "classes", "features", "formula"]
    actual: list[Any] | str | None
    required: list[Any] | str


def misfits(
    facts: Mapping[str, Any], formula: str, features: Iterable[Feature], classes: Iterable[Class]
) -> list[Misfit]:
    """The one rule whether a version can score rows.

    It takes their features, was trained with the formula that computes them, and predicts the declared classes. A
    feature of the same name and type is another one if its formula is.

    Args:
        facts: What training wrote into the version's comment; empty if the comment is from somebody else.
        formula: Digest of the formula by which the features are computed.
        features: The features that it gives over the source, in order.
        classes: The classes of a multiclass label, in order; none of another task.

    Returns:
        Every way in which it does not fit; none if it fits.
    """
    given, declared = [{"name": each.name, "type": each.type} for each in features], list(classes)
    if not isinstance(facts.get("features"), list):
        return [Misfit("comment", None, given)]
    pairs = {
        "classes": (facts.get("classes") or [], declared),
        "features": (facts["features"], given),
        "formula": (facts.get("formula"), formula),
    }
    return [Misfit(part, *pair) for part, pair in pairs.items() if pair[0] != pair[1]]  # type: ignore[arg-type]


def difference(trained: str | None, given: str, of: str) -> str:
    """How two texts of features.sql differ, as a short unified diff for a message.

    Args:
        trained: The text that a version was trained with; None if it is not known.
        given: The other text.
        of: Whose the other text is.

    Returns:
        The diff, in lines.
    """
    if trained is None:
        return f"its own features.sql is not known; that of {of} is\n{given}"
    texts = (trained.splitlines(), given.splitlines(), "features.sql it was trained with", f"features.sql of {of}")
    lines = list(difflib.unified_diff(*texts, n=0, lineterm=""))
    more = [f"... and {len(lines) - DIFF_LINES} more lines"] if len(lines) > DIFF_LINES else []
    return "\n".join([*lines[:DIFF_LINES], *more])


def misfit(session: Session, version: dict[str, Any], request: ScoringRequest) -> str | None:
    """Why a version does not fit the deployed statements: it predicts other classes, or takes other features.

    Args:
        session: The procedure's session, which reads the features.sql of a version that was trained with another one.
        version: Its row of SHOW VERSIONS; training wrote its features, their formula and classes into the comment.
        request: What was deployed.

    Returns:
        The reason and what to do; None if it fits.
    """
    where = f"version {version['name']} of {request.model}"
    facts = _facts(version)
    first = next(iter(misfits(facts, request.formula.digest, request.features, request.classes)), None)
    if first is None:
        return None
    if first.part == "formula":
        return f"{where} {_other_formula(session, facts, request)}"
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
            f"takes other features than the deployed features.sql gives ({first.actual}, not {first.required}): if it "
            "is the champion, run snowloop apply, which deploys the features.sql that it was trained with; otherwise "
            "train a version with the champion's features.sql"
        ),
    }
    return f"{where} {reasons[first.part]}"


def _other_formula(session: Session, facts: dict[str, Any], request: ScoringRequest) -> str:
    if not facts.get("formula"):
        return (
            "does not record the features.sql that it was trained with, because an earlier release of Snowloop trained "
            "it: train a new version, and promote that"
        )
    rows = request.formula.of_training_set.execute(session, training_set=facts.get("training_set"))
    trained = str(rows[0][0]) if rows and rows[0][0] else None
    return (
        "was trained with another features.sql than the deployed one: if it is the champion, run snowloop apply, which "
        "deploys its own; otherwise train a version with the champion's features.sql. The difference:\n"
        f"{difference(trained, request.formula.text, 'the deployed scoring')}"
    )


def training_set_of(version: dict[str, Any]) -> str:
    """The fingerprint of the training set of a version; empty if its comment does not record it."""
    return str(_facts(version).get("training_set") or "")


def _facts(version: dict[str, Any]) -> dict[str, Any]:
    """What training wrote into the comment; nothing if the comment is from somebody else."""
    try:
        facts = json.loads(version["comment"] or "{}")
    except json.JSONDecodeError:
        return {}
    return facts if isinstance(facts, dict) else {}
