"""Names of the objects of a project's scoring loop."""

from dataclasses import dataclass

from snowloop.project import Project
from snowloop.sql import identifier, literal, render

ROOT, MONITORING, FINALIZER = "SCORE_NEW_ROWS", "REFRESH_MONITORING", "LOG_SCORE_RUN"
GRAPH = (ROOT, MONITORING, FINALIZER)
"""The tasks of the graph, in the order in which they run."""


@dataclass(frozen=True)
class Names:
    """Quoted, qualified names.

    Args:
        database: The database, unquoted.
        table: The streamed RAW table, or the view on a table that others fill.
        source: What the stream is on: that RAW table, or the table that others fill.
        stream: The stream.
        changes: What the rows of the stream are read from, under the declared names of the columns.
        at_offset: What the rows of the source at the offset of the stream are read from, likewise.
        root: The task that scores.
        monitoring: The task after it that computes metrics of what was scored.
        finalizer: The task that logs each run of the graph.
    """

    database: str
    table: str
    source: str
    stream: str
    changes: str
    at_offset: str
    root: str
    monitoring: str
    finalizer: str


def names(project: Project, target: str) -> Names:
    """The names for a project and an environment.

    Returns:
        The names.
    """
    database = project.database(target)
    table, stream = (identifier(database, "RAW", name) for name in (project.table, stream_name(project)))
    origin = project.streamed.origin(target)
    source = identifier(*origin) if origin else table
    return Names(
        database,
        table,
        source,
        stream,
        _declared_columns(project, stream, changes=True),
        _declared_columns(project, f"{source} AT(STREAM => {literal(stream)})", changes=False),
        identifier(database, "SERVING", ROOT),
        identifier(database, "SERVING", MONITORING),
        identifier(database, "SERVING", FINALIZER),
    )


def source_name(project: Project, target: str) -> str:
    """Unquoted, qualified name of what the stream is on, as SHOW STREAMS has it."""
    return ".".join(project.streamed.origin(target) or (project.database(target), "RAW", project.table))


def _declared_columns(project: Project, relation: str, *, changes: bool) -> str:
    """A relation on a table that others fill: its columns may have other names there than those that are declared."""
    spelled = project.streamed.spelled_columns
    if project.streamed.table is None or all(name == own for name, own in spelled.items()):
        return relation
    return render("scoring/stream.sql#declared_columns", columns=spelled, relation=relation, changes=changes)


def stream_name(project: Project) -> str:
    """The stream's own name."""
    return f"{project.table}_STREAM"


def stream_mode(project: Project) -> str:
    """The mode of the stream that the project declares, as SHOW STREAMS has it."""
    return "DEFAULT" if project.serving.corrections else "APPEND_ONLY"
