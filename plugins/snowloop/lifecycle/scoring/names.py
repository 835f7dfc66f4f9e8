"""Names of the objects of a project's scoring loop."""

from dataclasses import dataclass

from snowloop.project import Project
from snowloop.sql import identifier

ROOT, MONITORING, FINALIZER = "SCORE_NEW_ROWS", "REFRESH_MONITORING", "LOG_SCORE_RUN"
GRAPH = (ROOT, MONITORING, FINALIZER)
"""The tasks of the graph, in the order in which they run."""


@dataclass(frozen=True)
class Names:
    """Quoted, qualified names.

    Args:
        database: The database, unquoted.
        table: The streamed RAW table.
        stream: The stream on it.
        root: The task that scores.
        monitoring: The task after it that computes metrics of what was scored.
        finalizer: The task that logs each run of the graph.
    """

    database: str
    table: str
    stream: str
    root: str
    monitoring: str
    finalizer: str


def names(project: Project, target: str) -> Names:
    """The names for a project and an environment.

    Returns:
        The names.
    """
    database = project.database(target)
    return Names(
        database,
        identifier(database, "RAW", project.table),
        identifier(database, "RAW", stream_name(project)),
        identifier(database, "SERVING", ROOT),
        identifier(database, "SERVING", MONITORING),
        identifier(database, "SERVING", FINALIZER),
    )


def stream_name(project: Project) -> str:
    """The stream's own name."""
    return f"{project.table}_STREAM"


def stream_mode(project: Project) -> str:
    """The mode of the stream that the project declares, as SHOW STREAMS has it."""
    return "DEFAULT" if project.serving.corrections else "APPEND_ONLY"
