"""What the commands of ``snowloop`` share: options, their workspace, their output, and their exit codes."""

import json
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from snowloop.cli.connections import Choice, chosen_connection
from snowloop.errors import Refusal, SnowloopError
from snowloop.project import load_project
from snowloop.workspace import Workspace

if TYPE_CHECKING:
    from snowflake.snowpark import Session

DONE, FAILED, REFUSED = 0, 1, 2

ProjectName = Annotated[str, typer.Option("--project", "-p", help="Name of the folder below include/projects.")]
Target = Annotated[
    str, typer.Option("--target", "-t", envvar="SNOWLOOP_TARGET", help="The environment, such as dev or prod.")
]
Connection = Annotated[
    str | None, typer.Option("--connection", "-c", help="Name of a connection in Snowflake's connections.toml.")
]
AirflowConnection = Annotated[str | None, typer.Option("--airflow-connection", help="Id of an Airflow connection.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]


@contextmanager
def open_workspace(
    project: str, target: str, connection: str | None, airflow_connection: str | None
) -> Iterator[Workspace]:
    """Open the workspace of a command; an error of Snowloop or of Snowflake's clients ends the command in one message.

    Args:
        project: Name of the declared project.
        connection: Name of a connection in Snowflake's connections.toml.
        airflow_connection: Id of an Airflow connection.

    Yields:
        The workspace; its session is closed at the end.

    Raises:
        typer.Exit: with 2 if Snowloop refuses, with 1 on any other error.
    """
    try:
        declared = load_project(project)
        with (
            chosen_connection(connection, airflow_connection) as choice,
            _open_session(project, choice, airflow_connection) as session,
        ):
            yield Workspace(session, declared, target)
    except Refusal as error:
        fail(str(error), REFUSED)
    except SnowloopError as error:
        fail(str(error), FAILED)


@contextmanager
def _open_session(project: str, choice: Choice, airflow_connection: str | None) -> "Iterator[Session]":
    from snowflake.connector.errors import Error
    from snowflake.snowpark.exceptions import SnowparkClientException

    from snowloop.session import snowpark_session

    opened = snowpark_session(**choice.arguments, query_tag=json.dumps({"snowloop": "cli", "project": project}))
    with ExitStack() as stack:
        try:
            session = stack.enter_context(opened)
        except _connection_errors(airflow_connection) as error:
            fail(f"cannot connect: {_reason(error)}; {choice.remedy}", FAILED)
        try:
            yield session
        except (Error, SnowparkClientException) as error:
            fail(
                f"Snowflake rejected the statement: {_reason(error)}; check that the environment exists (the DAG "
                f"{project}__environment creates it) and that the role has the privileges, and try again",
                FAILED,
            )


def _connection_errors(airflow_connection: str | None) -> tuple[type[Exception], ...]:
    """What opening a session may raise, also because of a key that cannot be read or a port that is not a number."""
    from snowflake.connector.errors import Error
    from snowflake.snowpark.exceptions import SnowparkClientException

    errors = (Error, SnowparkClientException, OSError, ValueError)
    if airflow_connection is None:
        return errors
    from airflow.exceptions import AirflowException

    return (*errors, AirflowException)


def _reason(error: Exception) -> str:
    return " ".join(str(error).split()).removesuffix(".") or type(error).__name__


def say(text: str) -> None:
    """Print text on standard output."""
    sys.stdout.write(f"{text}\n")


def fail(text: str, code: int) -> NoReturn:
    """Print why on standard error, and end the command with an exit code."""
    sys.stderr.write(f"snowloop: {text}\n")
    raise typer.Exit(code)
