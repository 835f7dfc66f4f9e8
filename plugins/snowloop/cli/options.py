"""What the commands of ``snowloop`` share: options, their workspace, their output, and their exit codes."""

import functools
import getpass
import inspect
import json
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from snowloop.cli.checkout import check_checkout
from snowloop.cli.connections import Choice, chosen_connection
from snowloop.errors import Refusal, SnowloopError, transport_errors
from snowloop.markdown import visible
from snowloop.project import Project, load_project
from snowloop.workspace import Workspace

if TYPE_CHECKING:
    from snowflake.snowpark import Session

    from snowloop.lifecycle.results import Result

DONE, FAILED, REFUSED, DIFFERS = 0, 1, 2, 3
"""Exit codes; typer gives 2 for a wrong option too."""

ProjectName = Annotated[str, typer.Option("--project", "-p", help="Name of the folder below include/projects.")]
Target = Annotated[
    str, typer.Option("--target", "-t", envvar="SNOWLOOP_TARGET", help="The environment, such as dev or prod.")
]
Connection = Annotated[
    str | None, typer.Option("--connection", "-c", help="Name of a connection in Snowflake's connections.toml.")
]
AirflowConnection = Annotated[str | None, typer.Option("--airflow-connection", help="Id of an Airflow connection.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]


def workspace_command(
    commands: typer.Typer,
    name: str | None = None,
    *,
    check: Callable[..., None] | None = None,
    deploys: bool = False,
    target: Any = Target,
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Make a function of a workspace a command, with the options that say which workspace before its own.

    Args:
        commands: The commands to which it is added.
        name: Its name; None: that of the function.
        check: Called with the command's own options, to refuse some before a session is opened.
        deploys: Whether it brings what the checkout declares into the target, so that the target's branch counts.
        target: The option of the target, if it is another one.
    """

    def add(function: Callable[..., None]) -> Callable[..., None]:
        def run(
            project: ProjectName,
            target: Target = "dev",
            connection: Connection = None,
            airflow_connection: AirflowConnection = None,
            **own: Any,
        ) -> None:
            if check:
                check(**own)
            with open_workspace(project, target, connection, airflow_connection, deploys=deploys) as workspace:
                function(workspace, **own)

        *where, _ = inspect.signature(run).parameters.values()
        _, *own = inspect.signature(function).parameters.values()
        where = [each.replace(annotation=target) if each.name == "target" else each for each in where]
        options = [each.replace(kind=each.KEYWORD_ONLY) for each in (*where, *own)]
        functools.update_wrapper(run, function).__signature__ = inspect.Signature(options)  # type: ignore[attr-defined]
        return commands.command(name)(run)

    return add


@contextmanager
def open_workspace(
    project: str, target: str, connection: str | None, airflow_connection: str | None, *, deploys: bool = False
) -> Iterator[Workspace]:
    """Open the workspace of a command; an error of Snowloop or of Snowflake's clients ends the command in one message.

    Args:
        deploys: Whether the checkout must be one from which the target may be changed.

    Raises:
        typer.Exit: with 2 if Snowloop refuses, with 1 on any other error.
    """
    with errors_as_exit_codes(), ended_by_sigterm():
        declared = load_project(project)
        if deploys:
            check_checkout(declared, target)
        with open_session(project, connection, airflow_connection, connection_of(declared, target)) as session:
            yield Workspace.open(session, declared, target)


@contextmanager
def errors_as_exit_codes() -> Iterator[None]:
    """End the command in one message, with exit code 2 if Snowloop refuses, with 1 on any other error of it."""
    try:
        yield
    except Refusal as error:
        fail(str(error), REFUSED)
    except SnowloopError as error:
        fail(str(error), FAILED)


@contextmanager
def ended_by_sigterm() -> Iterator[None]:
    """Let SIGTERM, by which CI systems cancel a job, end a command as Ctrl-C does: what it holds is given back."""

    def interrupt(*_signal: Any) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def connection_of(project: Project, target: str) -> str | None:
    """The connection that targets.yaml names for a target, if it names one."""
    declared = project.targets.find(target)
    return declared.connection if declared else None


@contextmanager
def open_session(
    project: str, connection: str | None, airflow_connection: str | None, of_target: str | None
) -> "Iterator[Session]":
    """Open the session of a command; an error of Snowflake's clients ends the command in one message.

    Args:
        project: Name of the project, which Snowflake stores with each query.
        of_target: The connection that targets.yaml names, or None.

    Raises:
        NoConnection: as ``chosen_connection``.
        typer.Exit: with 1 if it cannot be opened, or Snowflake rejects a statement.
    """
    with (
        chosen_connection(connection, airflow_connection, of_target) as choice,
        _open_session(project, choice, airflow_connection) as session,
    ):
        yield session


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
        except transport_errors() as error:
            fail(f"the connection to Snowflake was lost: {_reason(error)}; run the same command again", FAILED)
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


def user(session: "Session") -> str:
    """Who runs a command: Snowflake's user, who is authenticated, and that of the operating system."""
    name = session.sql("SELECT CURRENT_USER() AS NAME").collect()[0]["NAME"]
    return f"{name} (OS user {getpass.getuser()})"


def unchanged(*, kept: bool) -> str:
    """Words for a champion or challenger that was one already."""
    return " (unchanged)" if kept else ""


def say(text: str) -> None:
    """Print text on standard output."""
    sys.stdout.write(f"{visible(text)}\n")


def show(result: "Result", text: str, *, as_json: bool) -> None:
    """Print the result of a command on standard output: as JSON with all its fields, or as text for people."""
    say(json.dumps(result.to_dict(), indent=2) if as_json else text)


def note(text: str) -> None:
    """Print on standard error what one waits for."""
    sys.stderr.write(f"{visible(text)}\n")


def fail(text: str, code: int) -> NoReturn:
    """Print why on standard error, and end the command with an exit code."""
    sys.stderr.write(f"snowloop: {visible(text)}\n")
    raise typer.Exit(code)
