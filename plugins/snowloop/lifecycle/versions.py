"""The project's model in the Registry, as SQL shows it: its versions, their metrics, and who is champion."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from snowloop.project import Project
from snowloop.sql import identifier
from snowloop.workspace import Workspace

if TYPE_CHECKING:
    from snowflake.snowpark import Row, Session

CHAMPION, CHALLENGER = "CHAMPION", "CHALLENGER"


@dataclass(frozen=True)
class Version:
    """One version of the model.

    Args:
        name: Its name.
        aliases: Its aliases.
        metrics: Metrics, as the Registry keeps them.
        facts: The JSON that training wrote into its comment: candidate, features, fingerprint, git commit.
    """

    name: str
    aliases: tuple[str, ...] = ()
    metrics: dict[str, float] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def classes(self) -> tuple[int | str, ...]:
        """The classes of a multiclass label, in the order of its probabilities; none of another task."""
        return tuple(self.facts.get("classes") or ())


def show(session: "Session", statement: str) -> list[dict[str, Any]]:
    """The rows of a SHOW statement, with column names in lower case and without quotes."""
    return [_plain(row) for row in session.sql(statement).collect()]


def _plain(row: "Row") -> dict[str, Any]:
    return {name.strip('"').lower(): value for name, value in row.as_dict().items()}


def model(project: Project, target: str) -> str:
    """The quoted name of the project's model."""
    return identifier(project.database(target), "MODELS", project.model_name)


def versions(workspace: Workspace) -> list[Version]:
    """All versions of the model; none if there is no model yet.

    Returns:
        The versions.

    Raises:
        snowflake.snowpark.exceptions.SnowparkSQLException: if the environment does not exist.
    """
    schema = identifier(workspace.database, "MODELS")
    if not show(workspace.session, f"SHOW MODELS LIKE '{workspace.project.model_name}' IN SCHEMA {schema}"):
        return []
    return [
        _version(row)
        for row in show(workspace.session, f"SHOW VERSIONS IN MODEL {model(workspace.project, workspace.target)}")
    ]


def _version(row: dict[str, Any]) -> Version:
    metadata = json.loads(row["metadata"] or "{}")
    try:
        facts = json.loads(row["comment"] or "{}")
    except json.JSONDecodeError:
        facts = {}  # a version that was logged by other means than the training procedure
    aliases = tuple(json.loads(row["aliases"] or "[]"))
    facts = facts if isinstance(facts, dict) else {}
    return Version(str(row["name"]), aliases, dict(metadata.get("metrics") or {}), facts)


def champion(workspace: Workspace) -> Version | None:
    """The version that has the alias CHAMPION, or None."""
    return aliased(versions(workspace), CHAMPION)


def challenger(workspace: Workspace) -> Version | None:
    """The version that has the alias CHALLENGER, or None."""
    return aliased(versions(workspace), CHALLENGER)


def aliased(candidates: Sequence[Version], alias: str) -> Version | None:
    """The one of some versions that has an alias, or None."""
    return next((each for each in candidates if alias in each.aliases), None)


def set_champion(workspace: Workspace, version: str) -> None:
    """Give the alias CHAMPION to a version and make it the default.

    An alias belongs to one version, so it is taken from the old one first; a scoring run that looks in between
    looks again. A challenger that becomes champion is a challenger no longer.

    Args:
        version: Name of the version.

    Raises:
        snowflake.snowpark.exceptions.SnowparkSQLException: if there is no such version.
    """
    session = workspace.session
    name = model(workspace.project, workspace.target)
    now = champion(workspace)
    if now is not None and now.name != version:
        session.sql(f"ALTER MODEL {name} VERSION {identifier(now.name)} UNSET ALIAS").collect()
    if now is None or now.name != version:
        session.sql(f"ALTER MODEL {name} VERSION {identifier(version)} SET ALIAS = {CHAMPION}").collect()
    session.sql(f"ALTER MODEL {name} SET DEFAULT_VERSION = {identifier(version)}").collect()
    present = challenger(workspace)
    if present is not None and present.name == version:
        withdraw_alias(workspace)


def withdraw_alias(workspace: Workspace) -> None:
    """Take the alias CHALLENGER away from the version that has it.

    Raises:
        snowflake.snowpark.exceptions.SnowparkSQLException: if no version has it.
    """
    workspace.session.sql(
        f"ALTER MODEL {model(workspace.project, workspace.target)} VERSION {CHALLENGER} UNSET ALIAS"
    ).collect()
