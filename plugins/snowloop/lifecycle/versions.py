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
SYSTEM_ALIASES = ("DEFAULT", "FIRST", "LAST")
"""Aliases that a version has by itself; besides, it has at most one."""


@dataclass(frozen=True)
class Version:
    """One version of the model.

    Args:
        name: Its name.
        aliases: Its aliases.
        metrics: Metrics, as the Registry keeps them.
        facts: The JSON that training wrote into its comment: candidate, features, fingerprint, git commit.
        default: Whether it is the default version of the model.
    """

    name: str
    aliases: tuple[str, ...] = ()
    metrics: dict[str, float] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)
    default: bool = False

    @property
    def alias(self) -> str | None:
        """The alias that it was given, or None."""
        return next((each for each in self.aliases if each not in SYSTEM_ALIASES), None)

    @property
    def refit_of(self) -> str | None:
        """The version that was judged, and of which this one is the same candidate trained on all rows; else None."""
        return (self.facts.get("refit") or {}).get("of")

    @property
    def judged_as(self) -> str:
        """The version whose held-out figures count for this one: of a refitted one the judged one, else itself."""
        return self.refit_of or self.name

    @property
    def held_out_metrics(self) -> dict[str, float]:
        """Metrics on held-out rows, as training measured them; of a refitted version those of the judged one."""
        return (self.facts.get("refit") or {}).get("metrics", {}) if self.refit_of else self.metrics

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
    default = str(row["is_default_version"]).lower() == "true"
    return Version(str(row["name"]), aliases, dict(metadata.get("metrics") or {}), facts, default)


def champion(workspace: Workspace) -> Version | None:
    """The version that serves, or None: see ``serving``."""
    return serving(workspace, versions(workspace))


def serving(workspace: Workspace, registered: Sequence[Version]) -> Version | None:
    """The version that serves: the one with the alias CHAMPION; while none has it, the ledger's last champion.

    No version has the alias between two statements of a promotion, and if its process was killed there.

    Args:
        registered: All versions of the model.

    Returns:
        The version, or None.

    Raises:
        snowflake.snowpark.exceptions.SnowparkSQLException: if the environment does not exist.
    """
    now = aliased(registered, CHAMPION)
    if now is not None or not registered:
        return now
    recorded = workspace.run("champion/queries.sql#recorded_champion")
    return next((each for each in registered if recorded and each.name == recorded[0]["TO_VERSION"]), None)


def reference(workspace: Workspace) -> str | None:
    """The version that no champion may be much worse than, by the ledger; None before the first promotion.

    Raises:
        snowflake.snowpark.exceptions.SnowparkSQLException: if the environment does not exist, or is of an earlier
            version.
    """
    recorded = workspace.run("champion/queries.sql#recorded_reference")
    return str(recorded[0]["REFERENCE"]) if recorded else None


def challenger(workspace: Workspace) -> Version | None:
    """The version that has the alias CHALLENGER, or None."""
    return aliased(versions(workspace), CHALLENGER)


def aliased(candidates: Sequence[Version], alias: str) -> Version | None:
    """The one of some versions that has an alias, or None."""
    return next((each for each in candidates if alias in each.aliases), None)


def give_alias(workspace: Workspace, version: str, alias: str) -> None:
    """Give an alias to a version, whatever alias it has and whoever has this one.

    A version has at most one alias, and an alias belongs to one version: "A version can have at most one alias. […] It
    must be unique within the model" (https://docs.snowflake.com/en/sql-reference/sql/alter-model). The documentation
    leaves open whether SET ALIAS replaces an alias, or moves one; so both are taken away first. The version's own
    alias is the first to go: until then, a champion keeps its alias.

    Args:
        version: Name of the version.
        alias: The alias.

    Raises:
        snowflake.snowpark.exceptions.SnowparkSQLException: if there is no such version.
    """
    name, registered = model(workspace.project, workspace.target), versions(workspace)
    chosen = next((each for each in registered if each.name == version), None)
    if chosen is not None and chosen.alias == alias:
        return
    for other in (chosen, aliased(registered, alias)) if chosen else ():
        if other is not None and other.alias is not None:
            workspace.session.sql(f"ALTER MODEL {name} VERSION {identifier(other.name)} UNSET ALIAS").collect()
    workspace.session.sql(f"ALTER MODEL {name} VERSION {identifier(version)} SET ALIAS = {alias}").collect()


def lost_alias(version: Version) -> str | None:
    """Words for the ledger on the alias that somebody gave a version, and that it loses to CHAMPION or CHALLENGER."""
    if version.alias in (None, CHAMPION, CHALLENGER):
        return None
    return f"{version.name} lost the alias {version.alias}: a version has at most one"


def set_champion(workspace: Workspace, version: str) -> None:
    """Make a version the default, and give it the alias CHAMPION.

    The ledger must name the version before: while no version has the alias, the ledger's champion serves. The alias is
    the last statement, so that the change is done when the version has it. A challenger that becomes champion is a
    challenger no longer.

    Args:
        version: Name of the version.

    Raises:
        snowflake.snowpark.exceptions.SnowparkSQLException: if there is no such version.
    """
    name = model(workspace.project, workspace.target)
    workspace.session.sql(f"ALTER MODEL {name} SET DEFAULT_VERSION = {identifier(version)}").collect()
    give_alias(workspace, version, CHAMPION)


def withdraw_alias(workspace: Workspace) -> None:
    """Take the alias CHALLENGER away from the version that has it.

    Raises:
        snowflake.snowpark.exceptions.SnowparkSQLException: if no version has it.
    """
    workspace.session.sql(
        f"ALTER MODEL {model(workspace.project, workspace.target)} VERSION {CHALLENGER} UNSET ALIAS"
    ).collect()
