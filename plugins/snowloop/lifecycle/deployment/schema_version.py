"""The version of an environment's own objects: migrated forward, and refused if a later release has made them."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from snowloop.errors import PlanRefused
from snowloop.lifecycle.deployment.plan import Action, Change, FieldChange
from snowloop.lifecycle.provenance import tool_version
from snowloop.sql import render, run
from snowloop.workspace import Workspace

if TYPE_CHECKING:
    from snowflake.snowpark import Session

MIGRATIONS = {2: "deployment/migrations.sql#version_2"}
"""What leads to a version from the one before, besides objects and columns that the plan adds by itself."""
UNVERSIONED = 1
"""The version of environments from before there was a version."""
TABLE, KIND = "OPS.SCHEMA_VERSION", "schema version"


@dataclass(frozen=True)
class SchemaVersion:
    """The version of an environment.

    Args:
        version: The version.
        tool: The release of Snowloop that made it; None where none is recorded.
    """

    version: int
    tool: str | None = None


def current_version() -> int:
    """The version that this release makes, and the newest that it can work with."""
    return max(MIGRATIONS)


def observed_version(session: "Session", database: str, tables: frozenset[str]) -> SchemaVersion | None:
    """The version of an environment.

    Args:
        tables: Names of its tables, as SCHEMA.NAME.

    Returns:
        The version; None if there is no environment yet.

    Raises:
        snowflake.snowpark.exceptions.SnowparkSQLException: if Snowflake does not answer.
    """
    if TABLE in tables:
        row = run(session, "deployment/queries.sql#schema_version", database=database)[0]
        if row["VERSION"] is not None:
            return SchemaVersion(int(row["VERSION"]), row["TOOL_VERSION"])
    return SchemaVersion(UNVERSIONED) if "OPS.LEDGER" in tables else None


def newer(observed: SchemaVersion | None) -> str | None:
    """Why this release must not touch an environment: a later one has made it; None: it may."""
    known = current_version()
    if observed is None or observed.version <= known:
        return None
    by = f" (by Snowloop {observed.tool})" if observed.tool else ""
    return f"it is of version {observed.version}{by}, this release ({tool_version()}) knows versions up to {known}"


def check_release(workspace: Workspace) -> None:
    """Refuse to change an environment that a later release has made: what is right there this one does not know.

    Raises:
        PlanRefused: if its version is newer; the message has the release to install.
        snowflake.snowpark.exceptions.SnowparkSQLException: if there is no environment.
    """
    recorded = frozenset([TABLE] if workspace.exists("TABLES", *TABLE.split(".")) else [])
    refusal = newer(observed_version(workspace.session, workspace.database, recorded))
    if refusal:
        raise PlanRefused(f"{workspace.database} is left as it is: {refusal}; {NEWER_REMEDY}")


NEWER_REMEDY = "install the release of Snowloop that deployed it, or a later one (OPS.DEPLOYMENTS has TOOL_VERSION)"


def migration(observed: SchemaVersion | None, database: str) -> tuple[Change, tuple[str, ...]]:
    """What brings an environment, whose tables and columns are those of this release, to its version.

    Args:
        observed: The version of the environment; None if it is created.

    Returns:
        The change, and its statements.
    """
    known, name = current_version(), f"{KIND} {current_version()}"
    refusal = newer(observed)
    if refusal:
        return Change(KIND, TABLE, "refuse", refusal, NEWER_REMEDY), ()
    if observed is not None and observed.version == known:
        return Change(KIND, TABLE, "keep", name), ()
    missing = [known] if observed is None else [each for each in sorted(MIGRATIONS) if each > observed.version]
    texts: list[str] = []
    for version in missing:
        texts += [render(MIGRATIONS[version], database=database)] if observed else []
        recorded = {"version": version, "tool_version": tool_version()}
        texts.append(render("deployment/queries.sql#record_schema_version", database=database, **recorded))
    old = str(observed.version) if observed else None
    field = FieldChange("version", old, str(known))
    action: Action = "alter" if observed else "create"
    return Change(KIND, TABLE, action, f"{name}, it was {old}" if old else name, fields=(field,)), tuple(texts)
