"""Renders features.sql with point-in-time joins: each row sees only what was known before its event."""

from collections.abc import Mapping, Sequence
from typing import Any

from snowloop.errors import ProjectError
from snowloop.lifecycle.data.contract import rows_fail
from snowloop.lifecycle.features.formula import DATABASE, SOURCE, Formula
from snowloop.project import Project, Source
from snowloop.project.files.as_of_joins import AsOfJoin, resolve_join
from snowloop.sql import identifier, render, render_project


def declared_formula(project: Project) -> Formula:
    """The formula of features.sql as it is in the project now.

    ``{{ source }}`` becomes rows of the streamed source. ``{{ as_of('payments', on='CUSTOMER') }}`` becomes the rows of
    another source that belong to each of them, with its key as ``OF_<KEY>``: rows of the same customer that keep the
    contract and were known before the event. So a join cannot see the future, neither in training nor in serving (the
    point-in-time join of feature stores, such as https://docs.feast.dev/getting-started/concepts/point-in-time-joins).

    Returns:
        The formula.

    Raises:
        ProjectError: if a join is not possible, or the template cannot be rendered.
    """

    def as_of(name: str, on: str | Sequence[str] | Mapping[str, str] = ()) -> str:
        try:
            return _relation(project, resolve_join(project, name, on))
        except ValueError as error:
            message = f"{project.directory / 'features.sql'}: {error}"
            raise ProjectError(message) from error

    values: dict[str, Any] = {"source": SOURCE, "as_of": as_of}
    return Formula(render_project(project, "features.sql", **values))


def render_features(project: Project, target: str, source: str) -> str:
    """The text of the project's features.sql over some rows of the streamed source, as a training set is built of it.

    Args:
        source: Quoted name of the table, or of the common table expression, with the rows.

    Returns:
        The SQL text.

    Raises:
        ProjectError: if a join is not possible, or the template cannot be rendered.
    """
    return declared_formula(project).over(source, project.database(target))


def _relation(project: Project, join: AsOfJoin) -> str:
    return render(
        "features/as_of.sql",
        source=SOURCE,
        key=project.row_key,
        joined=join,
        table=f"{DATABASE}.{identifier('RAW', join.name.upper())}",
        fails=rows_fail(join.source, project.row_key if join.name == project.source else ()),
        known=since_known(join.source, "J"),
    )


def since_known(source: Source, alias: str) -> str:
    """The moment from which a row of a source is known, as an expression over an alias of its table."""
    moment = f"{alias}.{identifier(str(source.known_by))}::TIMESTAMP_NTZ"
    return f"DATEADD('second', {source.known_delay}, {moment})" if source.known_delay else moment
