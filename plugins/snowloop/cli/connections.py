"""Which Snowflake the commands work on: what options, the environment or a connection file say."""

import os
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from snowloop.errors import NoConnection

SETTINGS = (
    "ACCOUNT", "USER", "PASSWORD", "AUTHENTICATOR", "TOKEN", "WORKLOAD_IDENTITY_PROVIDER", "PRIVATE_KEY",
    "PRIVATE_KEY_FILE", "PRIVATE_KEY_FILE_PWD", "ROLE", "WAREHOUSE", "HOST", "PORT", "PROTOCOL",
)  # fmt: skip
"""The settings of a connection that SNOWFLAKE_<name> in the environment may give."""
AUDIENCE = "snowflakecomputing.com"
"""For whom a token is that signs a workload in: https://docs.snowflake.com/en/user-guide/workload-identity-federation."""
FILE_VARIABLE = "SNOWLOOP_CONNECTIONS"
FILE = Path(".local", "connections.toml")
STARTER, READY = "start-server", "ready"
_REPOSITORY = Path(__file__).resolve().parents[3]


@dataclass(frozen=True)
class Choice:
    """How to connect.

    Attributes:
        arguments: Those of ``snowloop.session.snowpark_session`` that name a connection.
        remedy: What to check if it cannot be opened.
    """

    arguments: dict[str, Any]
    remedy: str


@contextmanager
def chosen_connection(
    connection: str | None, airflow_connection: str | None, of_target: str | None = None
) -> Iterator[Choice]:
    """Choose the connection of a command, for the time of a block.

    The first of these: the options; the connection that targets.yaml names for the target; SNOWFLAKE_* variables; a
    connection file, which SNOWLOOP_CONNECTIONS names or which is ``.local/connections.toml`` below the current
    directory or the repository.

    Args:
        connection: Name of a connection in Snowflake's own connections.toml.
        airflow_connection: Id of an Airflow connection.
        of_target: Name of the target's connection in connections.toml, or None.

    Raises:
        NoConnection: if there is none, or two, or the file's one cannot be used.
    """
    if connection and airflow_connection:
        raise NoConnection("give --connection or --airflow-connection, not both")
    if connection:
        remedy = f"check [{connection}] in Snowflake's connections.toml: its account, user and key"
        yield Choice({"connection_name": connection}, remedy)
    elif airflow_connection:
        remedy = f"check the connection {airflow_connection} in Airflow: its account, user and key"
        yield Choice({"airflow_connection": airflow_connection}, remedy)
    elif of_target:
        remedy = f"targets.yaml names it: check [{of_target}] in Snowflake's connections.toml"
        yield Choice({"connection_name": of_target}, remedy)
    elif options := environment_options(os.environ):
        yield Choice({"options": options}, "check SNOWFLAKE_ACCOUNT, SNOWFLAKE_USER, SNOWFLAKE_HOST and so on")
    else:
        with _connection_of_file(_connection_file()) as choice:
            yield choice


def is_configured(connection: str) -> bool:
    """Whether Snowflake's connections.toml has a connection of this name."""
    from snowflake.connector.config_manager import CONFIG_MANAGER

    return connection in dict(CONFIG_MANAGER["connections"])  # type: ignore[call-overload]


def environment_options(environment: Mapping[str, str]) -> dict[str, Any]:
    """The connection that SNOWFLAKE_* variables describe, for the connector; empty if no variable has a value.

    Where SNOWFLAKE_AUTHENTICATOR is WORKLOAD_IDENTITY in a job of GitHub Actions that may have a token, each session
    asks for one of its own: it is valid for minutes.

    Raises:
        NoConnection: if variables are set, but not the account; or if GitHub gives no token.
    """
    options = {name.lower(): value for name in SETTINGS if (value := environment.get(f"SNOWFLAKE_{name}", "")).strip()}
    if options and "account" not in options:
        names = ", ".join(f"SNOWFLAKE_{name.upper()}" for name in options)
        raise NoConnection(f"{names} set, but not SNOWFLAKE_ACCOUNT: set it, or give --connection NAME")
    asks_github = "ACTIONS_ID_TOKEN_REQUEST_URL" in environment and "token" not in options
    if options.get("authenticator", "").upper() == "WORKLOAD_IDENTITY" and asks_github:
        options |= {"workload_identity_provider": "OIDC", "token": _github_token(environment)}
    return options


def _github_token(environment: Mapping[str, str]) -> str:
    """A token of the job: https://docs.github.com/en/actions/reference/security/oidc."""
    import requests

    try:
        answer = requests.get(
            environment["ACTIONS_ID_TOKEN_REQUEST_URL"],
            params={"audience": AUDIENCE},
            headers={"Authorization": f"Bearer {environment.get('ACTIONS_ID_TOKEN_REQUEST_TOKEN', '')}"},
            timeout=30,
        )
        answer.raise_for_status()
        return str(answer.json()["value"])
    except (requests.RequestException, ValueError, KeyError) as error:
        message = f"GitHub gives this job no token ({error}): give the job the permission id-token: write"
        raise NoConnection(message) from error


def _connection_file() -> Path:
    named = os.environ.get(FILE_VARIABLE)
    if named:
        if not Path(named).is_file():
            raise NoConnection(f"{FILE_VARIABLE} names {named}, which does not exist")
        return Path(named).resolve()
    for folder in (Path.cwd(), _REPOSITORY):
        if (folder / FILE).is_file():
            return folder / FILE
    raise NoConnection(
        "no connection: give --connection NAME or --airflow-connection ID, set SNOWFLAKE_ACCOUNT and so on, "
        "or, in a clone of the repository, start its local Snowflake: make run, or make up"
    )


@contextmanager
def _connection_of_file(file: Path) -> Iterator[Choice]:
    shown = file.relative_to(Path.cwd()) if file.is_relative_to(Path.cwd()) else file
    sys.stderr.write(f"snowloop: no connection is named, so that of {shown} is used\n")
    with _running_server(file):
        name = os.environ.get("SNOWFLAKE_DEFAULT_CONNECTION_NAME", "default")
        try:
            options = dict(tomllib.loads(file.read_text())[name])
        except KeyError as error:
            raise NoConnection(f"{file} has no connection [{name}]: add it, or give --connection NAME") from error
        except ValueError as error:
            raise NoConnection(f"{file} is not TOML ({error}): correct it, or give --connection NAME") from error
        yield Choice({"options": options}, f"check [{name}] in {shown}, and that its server is running: make up")


@contextmanager
def _running_server(file: Path) -> Iterator[None]:
    """Have the server of a connection file running, by the executable next to it, if there is one.

    The executable prints ``ready`` when the file is up to date and its server answers, and keeps the server until its
    standard input is closed, also if this process is killed. That of a directory which is not the repository's is
    executed only if SNOWLOOP_CONNECTIONS names the file: a current directory may be anybody's.
    """
    starter = file.with_name(STARTER)
    trusted = FILE_VARIABLE in os.environ or file == _REPOSITORY / FILE
    if not (trusted and os.access(starter, os.X_OK)):
        yield
        return
    pipe = subprocess.PIPE
    with subprocess.Popen(
        [starter], stdin=pipe, stdout=pipe, stderr=pipe, text=True, start_new_session=True
    ) as process:  # a session of its own: Ctrl-C ends the command, and then its server
        try:
            if process.stdout is not None and process.stdout.readline().strip() != READY:
                reason = " ".join(process.communicate()[1].split())
                raise NoConnection(f"the server of {file} does not start: {reason}")
            yield
        finally:
            process.communicate()
