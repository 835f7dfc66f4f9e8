"""Which version can score the rows that features.sql gives now."""

from snowloop.errors import ScoringError
from snowloop.lifecycle.features.training_set import describe_features
from snowloop.lifecycle.versions import CHAMPION, model, versions
from snowloop.workspace import Workspace
from snowloop_procedures.versions import misfits


def version_to_score(workspace: Workspace, version: str | None) -> str:
    """The name of a version that takes the features that features.sql gives now.

    Args:
        version: Name or alias of the version; None: the champion.

    Returns:
        Its name.

    Raises:
        ScoringError: if there is no such version, or it takes other features or predicts other classes.
    """
    project, quoted_model = workspace.project, model(workspace.project, workspace.target)
    name, registered = version or CHAMPION, versions(workspace)
    match = next((each for each in registered if name in (each.name, *each.aliases)), None)
    if match is None:
        have = ", ".join(each.name for each in registered) or "none"
        message = f"{quoted_model} has no version or alias '{name}' to score with: it has {have}"
        raise ScoringError(message)
    for each in misfits(match.facts, describe_features(workspace), project.label.classes):
        reason = {
            "comment": "does not record its features: choose a version that was trained by Snowloop",
            "features": "takes other features than features.sql gives now: choose a version that was trained with it",
            "classes": (
                f"predicts the classes {each.actual}, declared are {each.required}: choose a version that was trained "
                "with them"
            ),
        }[each.part]
        message = f"version {match.name} of {quoted_model} {reason}"
        raise ScoringError(message)
    return match.name
