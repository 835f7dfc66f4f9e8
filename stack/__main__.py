"""The command line of the stack: run, up, down, trigger."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from stack import connections
from stack import up as stack_up
from stack.airflow import trigger as client
from stack.processes import on_end_signals
from stack.progress import Progress, console
from stack.run import RunRequest
from stack.run import run as run_dag
from stack.state import DEFAULT_DIRECTORY, StackError, State
from stack.summary import print_summary

app = typer.Typer(add_completion=False, no_args_is_help=True, help="Runs Snowloop's whole stack on this machine.")
StateDir = Annotated[Path, typer.Option("--state-dir", help="Where everything is kept between runs.")]
INTERRUPTED = 130


@app.command()
def run(
    project: Annotated[str, typer.Option(help="The declared project.")] = "credit_approval",
    data: Annotated[Path | None, typer.Option(help="Directory of the project's data files.")] = None,
    target: Annotated[str, typer.Option(help="The environment.")] = "dev",
    dag: Annotated[
        str, typer.Option(help="Which of the project's DAGs, which are called <project>__<dag>.")
    ] = "life_cycle",
    state_dir: StateDir = DEFAULT_DIRECTORY,
) -> None:
    """Run a DAG of a project once, to its end, under Airflow with a local Snowflake."""
    conf: dict[str, Any] = {"target": target}
    if data is not None:
        if not data.is_dir():
            raise StackError(f"--data {data} is not a directory")
        conf["data_dir"] = str(data.resolve())
    request = RunRequest(project, dag, conf, State(state_dir.resolve()))
    raise typer.Exit(run_dag(request, console()))


@app.command()
def up(
    port: Annotated[int, typer.Option(help="Port of Airflow's UI and API.")] = 8080,
    state_dir: StateDir = DEFAULT_DIRECTORY,
) -> None:
    """Start the local Snowflake and Airflow, and leave them up."""
    stack_up.up(State(state_dir.resolve()), port, console())


@app.command()
def down(state_dir: StateDir = DEFAULT_DIRECTORY) -> None:
    """Stop all that runs on the state directory; everything is kept."""
    stack_up.down(State(state_dir.resolve()), console())


@app.command()
def serve(state_dir: StateDir = DEFAULT_DIRECTORY) -> None:
    """Have the local Snowflake running, with its connections.toml, until the standard input is closed."""
    connections.serve(State(state_dir.resolve()))


@app.command()
def trigger(
    dag: Annotated[str, typer.Option(help="The DAG, such as credit_approval__life_cycle.")],
    url: Annotated[str, typer.Option(help="Address of Airflow.")] = "http://localhost:8080",
    user: Annotated[str, typer.Option(envvar="AIRFLOW_USER")] = "admin",
    password: Annotated[str, typer.Option(envvar="AIRFLOW_PASSWORD")] = "",
    conf: Annotated[str, typer.Option(help="Values of the DAG's parameters, as JSON.")] = "{}",
) -> None:
    """Trigger a DAG over Airflow's REST API and follow it to its end."""
    screen = console()
    try:
        values = json.loads(conf)
    except ValueError as error:
        raise StackError(f"--conf is not JSON ({error}): {conf}") from error
    with Progress(screen) as progress:
        ended = client.trigger(client.AirflowApi(url, user, password), dag, values, progress)
    print_summary(screen, ended, progress.events, {"Airflow": url})
    raise typer.Exit(0 if ended.state == "success" else 1)


def main() -> None:
    """Run the command line; the stack's own errors are printed in one line, without a traceback."""
    on_end_signals(KeyboardInterrupt)
    try:
        code = app(standalone_mode=False)
    except StackError as error:
        console(stderr=True).print(f"✗ {error}", style="red")
        sys.exit(1)
    if code == INTERRUPTED:
        console(stderr=True).print("stopped", style="yellow")
    sys.exit(code)


if __name__ == "__main__":
    main()
