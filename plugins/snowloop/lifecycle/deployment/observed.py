"""Observed state of an environment, as SHOW and INFORMATION_SCHEMA return it; nothing is changed."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from snowloop.lifecycle.deployment.columns import observed_type
from snowloop.lifecycle.deployment.desired import DesiredEnvironment
from snowloop.lifecycle.deployment.schema_version import SchemaVersion, observed_version
from snowloop.lifecycle.versions import show
from snowloop.sql import identifier, literal, run
from snowloop.workspace import Workspace

if TYPE_CHECKING:
    from snowflake.snowpark import Session

IN_DATABASE = {
    "schema": "SCHEMAS",
    "stage": "STAGES",
    "file format": "FILE FORMATS",
    "table": "TABLES",
    "view": "VIEWS",
}
"""Kinds of objects of a database, and what SHOW calls them."""


@dataclass(frozen=True)
class ObservedEnvironment:
    """What exists of an environment.

    Args:
        names: Names of the objects by kind, each in the form of ``DesiredObject.name``.
        columns: The type of each column of each table, by SCHEMA.NAME and column, in the order of the table.
        comments: The comment of each view, by SCHEMA.NAME.
        streamed: The tables that a stream of the schema RAW reads, by SCHEMA.NAME.
        loaded: RAW tables that OPS.LOADS names: sources, declared or not.
        version: The version of the environment's objects; None if there are none.
    """

    names: Mapping[str, frozenset[str]] = field(default_factory=dict)
    columns: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    comments: Mapping[str, str] = field(default_factory=dict)
    streamed: frozenset[str] = frozenset()
    loaded: frozenset[str] = frozenset()
    version: SchemaVersion | None = None

    def has(self, kind: str, name: str) -> bool:
        """Whether an object of exactly this name is there."""
        return name in self.names.get(kind, ())


def observe_objects(workspace: Workspace, desired: DesiredEnvironment) -> ObservedEnvironment:
    """Look at the objects of an environment.

    Args:
        desired: The objects as declared.

    Returns:
        What exists.

    Raises:
        snowflake.snowpark.exceptions.SnowparkSQLException: if Snowflake does not answer.
    """
    session, database = workspace.session, desired.database
    names = {
        kind: frozenset(str(row["name"]) for row in show(session, f"SHOW {kind.upper()}S LIKE {literal(name)}"))
        for kind, name in (("warehouse", desired.warehouse), ("database", database), ("role", desired.reader))
    }
    if desired.reader in names["role"]:
        names["grant"] = _grants(session, desired.reader)
    if database not in names["database"]:
        return ObservedEnvironment(names)
    rows = {
        kind: show(session, f"SHOW {what} IN DATABASE {identifier(database)}") for kind, what in IN_DATABASE.items()
    }
    names["schema"] = frozenset(str(row["name"]) for row in rows.pop("schema"))
    names |= {kind: frozenset(f"{row['schema_name']}.{row['name']}" for row in each) for kind, each in rows.items()}
    columns: dict[str, dict[str, str]] = {}
    for row in run(session, "deployment/queries.sql#columns", database=database):
        columns.setdefault(f"{row['TABLE_SCHEMA']}.{row['TABLE_NAME']}", {})[row["COLUMN_NAME"]] = observed_type(
            row.as_dict()
        )
    return ObservedEnvironment(
        names,
        columns,
        {f"{row['schema_name']}.{row['name']}": str(row["comment"] or "") for row in rows["view"]},
        _streamed(session, database) if "RAW" in names["schema"] else frozenset(),
        _loaded(session, database) if "OPS.LOADS" in names["table"] else frozenset(),
        observed_version(session, database, names["table"]),
    )


def _grants(session: "Session", role: str) -> frozenset[str]:
    rows = show(session, f"SHOW GRANTS TO ROLE {identifier(role)}")
    return frozenset(f"{row['privilege']} ON {row['granted_on']} {_plain(row['name'])}" for row in rows)


def _plain(name: Any) -> str:
    return str(name).replace('"', "")


def _streamed(session: "Session", database: str) -> frozenset[str]:
    streams = show(session, f"SHOW STREAMS IN SCHEMA {identifier(database, 'RAW')}")
    return frozenset(".".join(_plain(row["table_name"]).split(".")[-2:]) for row in streams)


def _loaded(session: "Session", database: str) -> frozenset[str]:
    return frozenset(
        f"RAW.{row['SOURCE']}" for row in run(session, "deployment/queries.sql#loaded_sources", database=database)
    )
