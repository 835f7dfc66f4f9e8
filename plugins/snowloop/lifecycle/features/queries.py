"""Checks what features.sql and label.sql return before they are used, and what is declared about their columns."""

from collections.abc import Iterable
from typing import Any

from snowloop.errors import ProjectError, TrainingError
from snowloop.lifecycle.features.feature import Feature
from snowloop.project import Project
from snowloop.project.files.loading import place_of
from snowloop.sql import identifier, render_project
from snowloop.workspace import Workspace


def columns_of(workspace: Workspace, query: str, place: object) -> dict[str, Any]:
    """Names and Snowpark types of the columns of a query; no row is read.

    Args:
        query: The query: features.sql or label.sql, rendered.
        place: What an error names as its place.

    Returns:
        The columns in order; every key column is among them.

    Raises:
        TrainingError: if Snowflake cannot compile the query, or a key column is missing from its result.
        snowflake.snowpark.exceptions.SnowparkSQLException: if Snowflake fails for another reason.
    """
    from snowflake.snowpark.exceptions import SnowparkSQLException

    try:
        fields = workspace.session.sql(query).schema.fields
    except SnowparkSQLException as error:
        reason = " ".join(str(error.message).split())
        if "compilation error" not in reason:
            raise
        message = f"{place}: Snowflake cannot compile the query: {reason}; correct it, or the columns in project.yaml"
        raise TrainingError(message) from error
    columns = {field.name.strip('"'): field.datatype for field in fields}
    for column in workspace.project.row_key:
        if column not in columns:
            message = f"{place}: the key column {column} is missing from its result: select it"
            raise TrainingError(message)
    return columns


def check_label(workspace: Workspace) -> None:
    """Insist that label.sql gives the declared label.

    Raises:
        TrainingError: if it does not, or cannot be read.
    """
    project = workspace.project
    query = render_project(project, "label.sql", raw=identifier(workspace.database, "RAW"))
    columns = columns_of(workspace, query, project.directory / "label.sql")
    if project.label.column not in columns:
        message = (
            f"{project.directory / 'label.sql'}: the label {project.label.column} is missing from its result "
            f"({', '.join(columns)}): select it, or correct `label.column` ({place_of(project, 'label', 'column')})"
        )
        raise TrainingError(message)


def check_slices(project: Project, features: Iterable[Feature]) -> None:
    """Insist that every declared slice is of a feature, or of a column of the source, and has edges only on numbers.

    Args:
        features: The features.

    Raises:
        ProjectError: if one is of neither, or has edges on texts.
    """
    types = {feature.name: feature.type for feature in features}
    for number, declared in enumerate(project.evaluation.slices):
        raw = declared.column in project.streamed.table_columns
        place = place_of(project, "evaluation", "slices", number, "column")
        if declared.column not in types and not raw:
            message = (
                f"{place}: slice column {declared.column} is neither a feature of features.sql nor a column of source "
                f"'{project.source}': name one of them"
            )
            raise ProjectError(message)
        if declared.edges and not raw and types[declared.column] != "FLOAT":
            message = (
                f"{place}: slice column {declared.column} has edges, which are for numbers; features.sql gives text: "
                "remove `edges`, then each value is a slice"
            )
            raise ProjectError(message)


def check_allowed(project: Project, features: Iterable[Feature]) -> None:
    """Insist that every feature that leakage.allowed names is one.

    Args:
        features: The features.

    Raises:
        ProjectError: if one is not.
    """
    names = [feature.name for feature in features]
    for number, declared in enumerate(project.leakage.allowed):
        if declared.feature not in names:
            place = place_of(project, "leakage", "allowed", number, "feature")
            message = (
                f"{place}: {declared.feature} is not a feature of features.sql ({', '.join(names)}): name one of them"
            )
            raise ProjectError(message)
