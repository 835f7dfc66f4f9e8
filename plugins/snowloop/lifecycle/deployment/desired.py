"""Desired state of an environment: its objects, as the statements of include/sql/data that create them say."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from snowloop.lifecycle.deployment.columns import stored_type
from snowloop.lifecycle.provenance import content_hash
from snowloop.project import Project
from snowloop.sql import render, statements

SCRIPTS = ("data/environment.sql", "data/environment_views.sql")
_NAME = r'"(?:[^"]|"")+"(?:\."(?:[^"]|"")+")*'
_CREATE = re.compile(rf"CREATE (?:OR REPLACE )?(?P<kind>FILE FORMAT|[A-Z]+) (?:IF NOT EXISTS )?(?P<name>{_NAME})")
_GRANT = re.compile(rf"GRANT (?P<privilege>[A-Z]+) ON (?P<on>[A-Z]+) (?P<name>{_NAME}) TO ROLE (?P<role>{_NAME})")
_COLUMN = re.compile(r'"?(?P<name>(?<=")(?:[^"]|"")+(?=")|\w+)"? +(?P<type>.+)', re.DOTALL)


@dataclass(frozen=True)
class DesiredObject:
    """An object of an environment.

    Args:
        kind: warehouse, database, schema, stage, file format, table, view, role or grant.
        name: SCHEMA.NAME of what is in a schema; the name alone of what is not; of a grant what it gives, on what.
        statement: What creates it; it changes nothing where the object exists, but for a view, which it replaces.
        quoted: Its quoted, qualified name.
        columns: Of a table, the types of its columns as Snowflake keeps them; none if a query gives them.
        comment: Of a view, the fingerprint in its comment.
    """

    kind: str
    name: str
    statement: str
    quoted: str
    columns: Mapping[str, str] = field(default_factory=dict)
    comment: str = ""


@dataclass(frozen=True)
class DesiredEnvironment:
    """The objects of an environment, in the order in which they can be created.

    Args:
        database: The database, unquoted.
        warehouse: The warehouse of all stages.
        reader: The role that can read scores.
        objects: The objects.
        sources: The RAW tables of the declared sources.
        copies: Tables that hold rows of the streamed source with all its columns: a column that is added to the source
            is added to all of them, and a column that the declaration lacks has been removed from it.
        columns: The declared columns of the streamed source.
        keyed: Tables that hold the key of the streamed source: they keep the key with which they were created.
    """

    database: str
    warehouse: str
    reader: str
    objects: tuple[DesiredObject, ...]
    sources: tuple[str, ...]
    copies: tuple[str, ...]
    columns: frozenset[str] = frozenset()
    keyed: tuple[str, ...] = (
        "SERVING.SCORED", "SERVING.REQUEUED", "SERVING.CORRECTIONS", "OPS.BACKFILL_KEYS",
    )  # fmt: skip


def desired_environment(project: Project, target: str) -> DesiredEnvironment:
    """Compute the objects of an environment without a connection.

    Returns:
        The objects.
    """
    database = project.database(target)
    reader = f"{database}_READER"
    values = {
        "database": database,
        "warehouse": project.environment.warehouse,
        "warehouse_size": project.environment.warehouse_size,
        "sources": project.sources,
        "target": target,
        "streamed": project.streamed,
        "key": project.row_key,
        "entity": project.key,
        "event_time": project.streamed.event_time,
        "classes": project.label.classes,
        "reader": reader,
    }
    tables, views = SCRIPTS
    comment = f"snowloop {content_hash(render(views, comment='', **values))}"
    texts = [*statements(render(tables, **values)), *statements(render(views, comment=comment, **values))]
    return DesiredEnvironment(
        database,
        project.environment.warehouse,
        reader,
        tuple(_object(text, comment) for text in texts),
        tuple(f"RAW.{name.upper()}" for name, source in project.sources.items() if not source.table),
        (f"RAW.{project.table}", "SERVING.QUARANTINE", "FEATURES.SET_ASIDE", "OPS.RECOVERY_ROWS"),
        frozenset(project.streamed.table_columns),
    )


def _object(statement: str, comment: str) -> DesiredObject:
    grant = _GRANT.fullmatch(statement)
    if grant:
        name = f"{grant['privilege']} ON {grant['on']} {_plain(grant['name'])}"
        return DesiredObject("grant", name, statement, grant["name"])
    created = _CREATE.match(statement)
    if created is None:
        message = f"{' and '.join(SCRIPTS)} may hold CREATE and GRANT alone, which a plan can compare: {statement}"
        raise ValueError(message)
    kind, parts = created["kind"].lower(), _plain(created["name"]).split(".")
    name = ".".join(parts[1:]) or parts[0]
    columns = dict(_columns(statement[created.end() :])) if kind == "table" else {}
    return DesiredObject(kind, name, statement, created["name"], columns, comment if kind == "view" else "")


def _plain(name: str) -> str:
    return name.replace('"', "")


def _columns(text: str) -> Iterator[tuple[str, str]]:
    """Name and type of each column in the brackets of CREATE TABLE; none of a table that a query creates."""
    body = text.strip()
    if not body.startswith("("):
        return
    for column in re.split(r",(?![^(]*\))", body[1:-1]):
        match = _COLUMN.fullmatch(column.strip())
        if match is None:
            message = f"a column of CREATE TABLE in {SCRIPTS[0]} is not a name and a type: {column}"
            raise ValueError(message)
        yield match["name"].replace('""', '"'), stored_type(match["type"])
