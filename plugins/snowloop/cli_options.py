"""What the commands of ``snowloop`` share: options, a session and its project, and how they speak and fail."""

import json
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
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
    """A session and the project; an error of Snowloop's own ends the command with its message."""
    from snowloop.session import snowpark_session

    if connection and airflow_connection:
        fail("give --connection or --airflow-connection, not both", FAILED)
    options = None if connection or airflow_connection else environment_options(os.environ)
    try:
        declared = load_project(project)
        with snowpark_session(
            connection_name=connection,
            airflow_connection=airflow_connection,
            options=options,
            query_tag=json.dumps({"snowloop": "cli", "project": project}),
        ) as session:
            yield session, declared
    except Refusal as error:
        fail(str(error), REFUSED)
    except SnowloopError as error:
        fail(str(error), FAILED)


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
