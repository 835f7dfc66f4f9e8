"""Stage 1: the database, schemas, stages, tables, warehouse and role of a project in one environment."""

from dataclasses import dataclass

from snowloop.lifecycle.results import Result
from snowloop.sql import run_script
from snowloop.workspace import Workspace


@dataclass(frozen=True)
class Environment(Result):
    """What ``create_environment`` created and kept.

    Args:
        created: Number of objects created, without views.
        kept: Number of objects that existed already, without views.
    """

    database: str
    created: int
    kept: int


def create_environment(workspace: Workspace) -> Environment:
    """Create what is missing, and keep what exists; views, which hold no data, are replaced.

    Returns:
        Counts of objects created and kept.
    """
    project = workspace.project
    database = workspace.database
    results = run_script(
        workspace.session,
        "data/environment.sql",
        database=database,
        warehouse=project.environment.warehouse,
        warehouse_size=project.environment.warehouse_size,
        sources=project.sources,
        streamed=project.streamed,
        key=project.key,
        classes=project.label.classes,
        reader=f"{database}_READER",
    )
    run_script(
        workspace.session,
        "data/environment_views.sql",
        database=database,
        key=project.key,
        classes=project.label.classes,
        reader=f"{database}_READER",
    )
    texts = [str(rows[0][0]) for rows in results if rows]
    kept = sum("already exists" in text for text in texts)
    created = sum("successfully created" in text for text in texts)
    return Environment(database, created, kept)
