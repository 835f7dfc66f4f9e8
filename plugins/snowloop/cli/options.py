"""What the commands of ``snowloop`` share: options, a session and its project, and how they speak and fail."""

import json
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from snowloop.errors import Refusal, SnowloopError
from snowloop.project import Project, load_project

if TYPE_CHECKING:
    from snowflake.snowpark import Session

DONE, FAILED, REFUSED = 0, 1, 2
SETTINGS = (
    "ACCOUNT", "USER", "PASSWORD", "AUTHENTICATOR", "TOKEN", "PRIVATE_KEY_FILE", "PRIVATE_KEY_FILE_PWD", "ROLE",
    "WAREHOUSE", "HOST", "PORT", "PROTOCOL",
)  # fmt: skip
"""What SNOWFLAKE_<name> in the environment may tell of a connection."""

ProjectName = Annotated[str, typer.Option("--project", "-p", help="Name of the folder below include/projects.")]
Target = Annotated[
    str, typer.Option("--target", "-t", envvar="SNOWLOOP_TARGET", help="The environment, such as dev or prod.")
]
Connection = Annotated[str | None, typer.Option("--connection", "-c", help="Name of a connection in connections.toml.")]
AirflowConnection = Annotated[str | None, typer.Option("--airflow-connection", help="Id of an Airflow connection.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]


@contextmanager
def open_project(
    project: str, connection: str | None, airflow_connection: str | None
) -> "Iterator[tuple[Session, Project]]":
    """A session and the project; an error of Snowloop's own, or of Snowflake's clients, ends the command in words."""
    if connection and airflow_connection:
        fail("give --connection or --airflow-connection, not both", FAILED)
    options = None if connection or airflow_connection else environment_options(os.environ)
    try:
        declared = load_project(project)
        with _open_session(project, connection, airflow_connection, options) as session:
            yield session, declared
    except Refusal as error:
        fail(str(error), REFUSED)
    except SnowloopError as error:
        fail(str(error), FAILED)


@contextmanager
def _open_session(
    project: str, connection: str | None, airflow_connection: str | None, options: dict[str, Any] | None
) -> "Iterator[Session]":
    from snowflake.connector.errors import Error
    from snowflake.snowpark.exceptions import SnowparkClientException

    from snowloop.session import snowpark_session

    opened = snowpark_session(
        connection_name=connection,
        airflow_connection=airflow_connection,
        options=options,
        query_tag=json.dumps({"snowloop": "cli", "project": project}),
    )
    with ExitStack() as stack:
        try:
            session = stack.enter_context(opened)
        except _connection_errors(airflow_connection) as error:
            fail(f"cannot connect: {_reason(error)}: {_remedy(connection, airflow_connection)}", FAILED)
        try:
            yield session
        except (Error, SnowparkClientException) as error:
            fail(
                f"Snowflake did not do it: {_reason(error)}: look whether the environment is there (the DAG "
                f"{project}__environment makes it) and whether the role may do this, and try again",
                FAILED,
            )


def _connection_errors(airflow_connection: str | None) -> tuple[type[Exception], ...]:
    """What may be raised where a session is opened: also of a key that cannot be read, or a port that is no number."""
    from snowflake.connector.errors import Error
    from snowflake.snowpark.exceptions import SnowparkClientException

    errors = (Error, SnowparkClientException, OSError, ValueError)
    if airflow_connection is None:
        return errors
    from airflow.exceptions import AirflowException

    return (*errors, AirflowException)


def _reason(error: Exception) -> str:
    return " ".join(str(error).split()).removesuffix(".") or type(error).__name__


def _remedy(connection: str | None, airflow_connection: str | None) -> str:
    if connection:
        return f"look for [{connection}] in Snowflake's connections.toml, and at its account, user and key"
    if airflow_connection:
        return f"look at the connection {airflow_connection} in Airflow: its account, user and key"
    return "look at SNOWFLAKE_ACCOUNT, SNOWFLAKE_USER, SNOWFLAKE_HOST and so on in the environment"


def environment_options(environment: Mapping[str, str]) -> dict[str, Any]:
    """The connection that SNOWFLAKE_* variables describe.

    Args:
        environment: The environment's variables.

    Returns:
        Keyword arguments for the connector.

    Raises:
        typer.Exit: if neither an account nor a host is named.
    """
    found = {name.lower(): environment[f"SNOWFLAKE_{name}"] for name in SETTINGS if f"SNOWFLAKE_{name}" in environment}
    if "account" not in found:
        fail(
            "no connection: give --connection NAME, --airflow-connection ID, or set SNOWFLAKE_ACCOUNT and so on", FAILED
        )
    return found


def say(text: str) -> None:
    """Print text on standard output."""
    sys.stdout.write(f"{text}\n")


def fail(text: str, code: int) -> NoReturn:
    """Print why on standard error, and end the command with an exit code."""
    sys.stderr.write(f"snowloop: {text}\n")
    raise typer.Exit(code)
