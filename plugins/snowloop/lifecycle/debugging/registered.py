"""A version as the Registry's own client has it, with its functions and its estimator."""

from typing import TYPE_CHECKING

from snowloop.errors import ScoringError
from snowloop.lifecycle.versions import versions
from snowloop.workspace import Workspace

if TYPE_CHECKING:
    from snowflake.ml.model import ModelVersion


def registered_version(workspace: Workspace, version: str) -> "ModelVersion":
    """A version of the model as the Registry's client has it.

    Args:
        workspace: Where.
        version: Its name, or its alias.

    Raises:
        ScoringError: if there is none.
    """
    from snowflake.ml.registry import Registry

    registered = versions(workspace)
    match = next((each for each in registered if version in (each.name, *each.aliases)), None)
    if match is None:
        have = ", ".join(each.name for each in registered) or "none"
        message = f"model {workspace.project.model_name} has no version or alias '{version}': it has {have}"
        raise ScoringError(message)
    registry = Registry(workspace.session, database_name=workspace.database, schema_name="MODELS")
    return registry.get_model(workspace.project.model_name).version(match.name)
