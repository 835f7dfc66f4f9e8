"""Renders the statements of include/sql, and is the one place where identifiers and values are quoted."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jinja2 import ChoiceLoader, Environment, FileSystemLoader, FunctionLoader, Undefined, pass_context
from jinja2.runtime import Context

from snowloop.errors import ProjectError
from snowloop.project import Project, include_dir
from snowloop.templates import ProjectEnvironment, counted_work, sandbox

if TYPE_CHECKING:
    from snowflake.snowpark import Row, Session


MOST_ARGUMENTS = 500
"""A model that takes more features gets them as one OBJECT, by their names.

Source: snowflake-ml, SNOWPARK_UDF_INPUT_COL_LIMIT, and ``ModelVersionSQLClient.invoke_function_method``.
"""


LONGEST_REASON = 500
"""Characters of why a template cannot be rendered."""


def identifier(*parts: str) -> str:
    """A quoted, possibly qualified identifier.

    Args:
        parts: Database, schema, object; any number of them, as they are spelled in Snowflake.

    Returns:
        For example ``"DB"."RAW"."T"``.
    """
    return ".".join('"' + part.replace('"', '""') + '"' for part in parts)


def identifiers(names: Any, prefix: str = "") -> str:
    """Quoted identifiers, comma-separated, each with an optional alias before it (``prefix="S"`` gives ``S."A"``)."""
    dot = f"{prefix}." if prefix else ""
    return ", ".join(dot + identifier(name) for name in names)


def literal(value: Any) -> str:
    """A value as an SQL literal.

    Args:
        value: None, a truth value, a number or text.

    Returns:
        For example ``'it''s'``; a backslash is doubled, because Snowflake reads it as an escape.

    Raises:
        TypeError: for any other type.
    """
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return repr(value) if value == value and abs(value) != float("inf") else f"'{value}'::FLOAT"  # noqa: PLR0124
    if isinstance(value, str):
        return "'" + value.replace("\\", "\\\\").replace("'", "''") + "'"
    message = f"no SQL literal for {value} of type {type(value).__name__}: pass text, a number, a truth value or None"
    raise TypeError(message)


@dataclass(frozen=True)
class Parameter:
    """A value that is known only when a prepared statement is executed.

    Args:
        name: What whoever executes the statement calls it.
    """

    name: str


@pass_context
def _bind(context: Context, value: Any) -> str:
    """Put a value among those that are bound to the statement, and a placeholder into its text.

    A statement that is only rendered, to be stored or embedded in another one, has its values as literals.
    """
    if isinstance(value, Undefined):
        str(value)  # raises: a strict undefined value has no text
    if isinstance(value, Parameter):
        context["parameters"].append(value.name)
        return "?"
    if "bound_values" not in context:
        return literal(value)
    context["bound_values"].append(value)
    return "?"


FILTERS: dict[str, Callable[..., Any]] = {
    "identifier": identifier,
    "identifiers": identifiers,
    "literal": literal,
    "bind": _bind,
}


@cache
def _environment(folder: Path) -> Environment:
    jinja = sandbox()
    files = FileSystemLoader(folder)
    jinja.loader = ChoiceLoader([files, FunctionLoader(lambda name: _named_query(jinja, files, name))])
    jinja.filters.update(FILTERS)
    jinja.globals.update(identifier=identifier, most_arguments=MOST_ARGUMENTS)
    return jinja


@cache
def _project_environment(folder: Path) -> Environment:
    jinja = ProjectEnvironment(FILTERS, loader=FileSystemLoader(folder))
    jinja.globals.update(identifier=identifier)
    return jinja


def _named_query(jinja: Environment, files: FileSystemLoader, name: str) -> str | None:
    """One query of a file of several, ``scoring/queries.sql#last_runs``: what stands below ``-- name: last_runs``."""
    file, _, query = name.partition("#")
    if not query:
        return None
    _, *parts = re.split(r"^-- name: (\w+)\n", files.get_source(jinja, file)[0], flags=re.MULTILINE)
    return dict(zip(parts[::2], parts[1::2], strict=True)).get(query)


def render(template: str, **values: Any) -> str:
    """Render a file of include/sql.

    Args:
        template: Path below include/sql, such as ``data/copy.sql``, or ``scoring/queries.sql#last_runs`` for one of the
            named queries of a file.
        values: What the template uses; filters ``identifier``, ``identifiers`` and ``literal`` quote.

    Returns:
        The SQL text.
    """
    return _environment(include_dir() / "sql").get_template(template).render(**values).strip()


def prepare(template: str, **values: Any) -> tuple[str, tuple[str, ...]]:
    """Render a statement that somebody else executes later.

    Args:
        template: Path below include/sql, as for ``render``.
        values: What the template uses; to a ``Parameter`` the filter ``bind`` must be applied. Other values that are
            bound elsewhere are literals here, because they are known now.

    Returns:
        The text with a ``?`` for each parameter, and the parameters' names in the order of the text.
    """
    parameters: list[str] = []
    return render(template, parameters=parameters, **values), tuple(parameters)


def render_project(project: Project, file: str, **values: Any) -> str:
    """Render one of a project's own files: ``label.sql``; ``features.sql`` by ``point_in_time.render_features``.

    Args:
        file: Name of the file in the project's folder.
        values: What the file uses: ``source`` and ``as_of`` for features, ``raw`` for the label.

    Returns:
        The SQL text without a closing semicolon.

    Raises:
        ProjectError: if it cannot be rendered: it uses a value that is not given, reaches for the interpreter, or needs
            more work than a template may.
    """
    try:
        with counted_work():
            text = _project_environment(project.directory).get_template(file).render(**values)
    except ProjectError:  # of a function that the template calls
        raise
    except Exception as error:
        why = f"{type(error).__name__}: {error}"[:LONGEST_REASON]
        message = f"{project.directory / file}: the template cannot be rendered ({why}): correct it"
        raise ProjectError(message) from error
    return text.strip().rstrip(";")


def statements(text: str) -> Iterator[str]:
    """The single statements of a script, without comments and empty ones."""
    from snowflake.connector.util_text import split_statements

    for statement, _ in split_statements(StringIO(text), remove_comments=True):
        bare = statement.strip().rstrip(";").strip() if statement else ""
        if bare:
            yield bare


def run(session: "Session", template: str, **values: Any) -> "list[Row]":
    """Render a template of one statement and execute it, with the values bound that the filter ``bind`` is applied to.

    Args:
        template: Path below include/sql, as for ``render``.
        values: What the template uses.

    Returns:
        The rows that Snowflake answers.
    """
    bound: list[Any] = []
    text = render(template, bound_values=bound, **values)
    return session.sql(text, params=bound or None).collect()


def run_script(session: "Session", template: str, **values: Any) -> "list[list[Row]]":
    """Render a template of several statements and execute them in order; the answers are returned in order too."""
    return [session.sql(statement).collect() for statement in statements(render(template, **values))]


def clock(session: "Session") -> datetime:
    """Snowflake's own time, in UTC: moments that it notes are compared with this one, never with the client's clock.

    Returns:
        The time.

    Raises:
        snowflake.snowpark.exceptions.SnowparkSQLException: if Snowflake does not answer.
    """
    now: datetime = session.sql("SELECT SYSDATE() AS NOW").collect()[0][0]
    return now.replace(tzinfo=UTC)


def plain(text: str) -> str:
    """Text with runs of white space made one blank: to compare statements, and to log them."""
    return re.sub(r"\s+", " ", text).strip()
