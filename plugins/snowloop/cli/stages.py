"""Commands of ``snowloop`` for what the DAGs do apart from deployment: environment, data, training, and health."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from snowloop.cli.options import (
    REFUSED,
    AirflowConnection,
    AsJson,
    Connection,
    ProjectName,
    Target,
    open_workspace,
    say,
)
from snowloop.figures import format_figures

if TYPE_CHECKING:
    from snowloop.lifecycle.results import Result

commands = typer.Typer()


@commands.command()
def environment(
    project: ProjectName,
    target: Target = "dev",
    connection: Connection = None,
    airflow_connection: AirflowConnection = None,
) -> None:
    """Create the database of an environment with its schemas, stages and tables; what exists is kept.

    Example: snowloop environment --project credit_approval --target staging
    """
    from snowloop.lifecycle.data.environment import create_environment

    with open_workspace(project, target, connection, airflow_connection) as workspace:
        _show("environment", create_environment(workspace))


@commands.command()
def load(
    project: ProjectName,
    target: Target = "dev",
    connection: Connection = None,
    airflow_connection: AirflowConnection = None,
    data: Annotated[Path | None, typer.Option(help="Folder of the files. Default: the declared one.")] = None,
    part: Annotated[
        Literal["initial", "arrivals", "all"], typer.Option(help="What to train on, what arrives later, or all.")
    ] = "all",
) -> None:
    """Load the files of a project into RAW, each file once; bad lines are kept with file, line and reason.

    Example: snowloop load --project bank_marketing --data ~/bank
    """
    from snowloop.lifecycle.data.load import load_files

    with open_workspace(project, target, connection, airflow_connection) as workspace:
        _show("load", load_files(workspace, data or workspace.project.data_dir, part=part))


@commands.command()
def contract(
    project: ProjectName,
    target: Target = "dev",
    connection: Connection = None,
    airflow_connection: AirflowConnection = None,
) -> None:
    """Check the loaded data against the project's contract, and record every check; a violation is refused.

    Example: snowloop contract --project credit_approval
    """
    from snowloop.lifecycle.data.validate import check_contract

    with open_workspace(project, target, connection, airflow_connection) as workspace:
        _show("contract", check_contract(workspace))


@commands.command()
def train(
    project: ProjectName,
    target: Target = "dev",
    connection: Connection = None,
    airflow_connection: AirflowConnection = None,
    override_by: Annotated[str, typer.Option(help="Your name, to promote a version that the gate refuses.")] = "",
    override_reason: Annotated[str, typer.Option(help="Why; it is recorded in OPS.LEDGER.")] = "",
) -> None:
    """Train and test every candidate on the loaded data, and promote the best one if the gate accepts it.

    The stages are those of the DAG <project>__train after loading. Where a promotion needs a person's approval it is
    refused: there the DAG asks for it.

    Example: snowloop train --project credit_approval
    """
    from snowloop.lifecycle.champion.promote import promote
    from snowloop.lifecycle.data.validate import check_contract
    from snowloop.lifecycle.evaluation.evaluate import evaluate
    from snowloop.lifecycle.features.training_set import build_training_set
    from snowloop.lifecycle.gate.gate import decide
    from snowloop.lifecycle.gate.verdict import override_of
    from snowloop.lifecycle.training.train import train_candidate

    with open_workspace(project, target, connection, airflow_connection) as workspace:
        override = override_of(override_by, override_reason)
        _show("contract", check_contract(workspace))
        training_set = build_training_set(workspace)
        _show("training set", training_set)
        evaluations = []
        for candidate in workspace.project.expanded_candidates:
            trained = train_candidate(workspace, training_set, candidate.name)
            _show(f"candidate {candidate.name}", trained)
            evaluations.append(evaluate(workspace, trained))
            _show(f"evaluate {candidate.name}", evaluations[-1])
        verdict = decide(workspace, evaluations, override=override)
        _show("gate", verdict)
        _show("promote", promote(workspace, verdict))


@commands.command()
def wait(
    project: ProjectName,
    target: Target = "dev",
    connection: Connection = None,
    airflow_connection: AirflowConnection = None,
    timeout: Annotated[int, typer.Option(min=0, help="Longest wait in seconds.")] = 600,
) -> None:
    """Wait until the native tasks have scored or quarantined every row that has arrived.

    Example: snowloop wait --project credit_approval --timeout 900
    """
    from snowloop.lifecycle.scoring.wait import await_scores

    with open_workspace(project, target, connection, airflow_connection) as workspace:
        _show("scores", await_scores(workspace, timeout=timeout))


@commands.command()
def reconcile(
    project: ProjectName,
    target: Target = "dev",
    connection: Connection = None,
    airflow_connection: AirflowConnection = None,
) -> None:
    """Prove that every row which arrived was scored once or quarantined once. Nothing is changed.

    Example: snowloop reconcile --project credit_approval --target prod
    """
    from snowloop.lifecycle.scoring.reconcile import reconcile as reconcile_rows

    with open_workspace(project, target, connection, airflow_connection) as workspace:
        _show("rows", reconcile_rows(workspace))


@commands.command()
def health(
    project: ProjectName,
    target: Target = "dev",
    connection: Connection = None,
    airflow_connection: AirflowConnection = None,
    as_json: AsJson = False,
) -> None:
    """Check stream, tasks and champion of the scoring loop. Findings give exit code 2, each with what to do.

    Nothing is changed.

    Example: snowloop health --project credit_approval --target prod
    """
    from snowloop.lifecycle.scoring.health import stream_health

    with open_workspace(project, target, connection, airflow_connection) as workspace:
        result = stream_health(workspace)
    if as_json:
        say(json.dumps(result.to_dict(), indent=2))
    else:
        _show("scoring loop", result)
        say("\n".join(result.findings) or "no findings")
    if result.findings:
        raise typer.Exit(REFUSED)


def _show(stage: str, result: "Result") -> None:
    say(f"{stage}: {format_figures(result.summary())}")
