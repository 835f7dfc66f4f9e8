"""Which version can score the rows of the source, by the features.sql that it was trained with."""

from dataclasses import dataclass

from snowloop.errors import ScoringError, TrainingError
from snowloop.lifecycle.features.feature import Feature
from snowloop.lifecycle.features.formula import Formula, recorded_formula
from snowloop.lifecycle.features.training_set import describe_features
from snowloop.lifecycle.versions import CHAMPION, champion, model, versions
from snowloop.workspace import Workspace
from snowloop_procedures.versions import difference, misfits


@dataclass(frozen=True)
class Scorer:
    """A version that can score, and how the features are computed that it takes.

    Args:
        name: Name of the version.
        formula: The formula that it was trained with.
        features: The features that it gives over the source.
        training_set: Fingerprint of its training set; empty if it does not record it.
    """

    name: str
    formula: Formula
    features: tuple[Feature, ...]
    training_set: str = ""


def version_to_score(workspace: Workspace, version: str | None) -> Scorer:
    """A version that can score the rows of the source with its own features.sql.

    Args:
        version: Name or alias of the version; None: the champion.

    Returns:
        The version with its formula.

    Raises:
        ScoringError: if there is no such version, its features.sql is not known or gives other features over the source
            of now, or it predicts other classes.
    """
    project, quoted_model = workspace.project, model(workspace.project, workspace.target)
    name, registered = version or CHAMPION, versions(workspace)
    match = next((each for each in registered if name in (each.name, *each.aliases)), None)
    if match is None:
        have = ", ".join(each.name for each in registered) or "none"
        message = f"{quoted_model} has no version or alias '{name}' to score with: it has {have}"
        raise ScoringError(message)
    formula, where = recorded_formula(workspace, match), f"version {match.name} of {quoted_model}"
    try:
        features = describe_features(workspace, formula, f"features.sql that {where} was trained with")
    except TrainingError as error:
        message = f"{where} cannot score, because the source has changed since it was trained: {error}"
        raise ScoringError(message) from error
    for each in misfits(match.facts, formula.digest, features, project.label.classes):
        reason = {
            "comment": "does not record its features: choose a version that was trained by Snowloop",
            "classes": (
                f"predicts the classes {each.actual}, declared are {each.required}: choose a version that was trained "
                "with them"
            ),
        }.get(each.part, "takes other features than its features.sql gives over the source now: train a new one")
        message = f"{where} {reason}"
        raise ScoringError(message)
    return Scorer(match.name, formula, features, str(match.facts.get("training_set") or ""))


def champion_formula(workspace: Workspace) -> Formula | None:
    """The formula that the champion was trained with; None if there is no champion, or it does not record one."""
    now = champion(workspace)
    try:
        return recorded_formula(workspace, now) if now else None
    except ScoringError:
        return None


def check_formula(scorer: Scorer, required: Formula, of: str, to_do: str) -> None:
    """Insist that a version was trained with a certain formula.

    Args:
        scorer: The version.
        required: The formula.
        of: Whose formula that is, in words.
        to_do: What to do where it is another one.

    Raises:
        ScoringError: if it was trained with another one; the message shows how the two texts differ.
    """
    if scorer.formula.digest != required.digest:
        message = (
            f"version {scorer.name} was trained with another features.sql than that of {of}: {to_do}. The difference:\n"
            f"{difference(scorer.formula.text, required.text, of)}"
        )
        raise ScoringError(message)
