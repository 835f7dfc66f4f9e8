"""Commands of ``snowloop`` for a challenger: name it, compare it with the champion, promote it, withdraw it."""

import json
from typing import Annotated

import typer

from snowloop.cli.options import AirflowConnection, AsJson, Connection, ProjectName, Target, open_workspace, say

commands = typer.Typer()

Reason = Annotated[str, typer.Option("--reason", "-r", help="Why, for the ledger.")]


@commands.command()
def challenge(
    project: ProjectName,
    version: Annotated[str, typer.Option("--version", "-v", help="Name of the version that becomes challenger.")],
    reason: Reason,
    target: Target = "dev",
    connection: Connection = None,
    airflow_connection: AirflowConnection = None,
    judge: Annotated[bool, typer.Option("--judge", help="Ask the gate first, on the present data.")] = False,
) -> None:
    """Let a version score along with the champion: in the shadow, or its declared share of the keys.

    Example: snowloop challenge -p churn -t prod --version GOOD_1F0C9A3B_77E2D410 --reason "new features"
    """
    from snowloop.lifecycle.champion import challenger as challenges

    with open_workspace(project, target, connection, airflow_connection) as workspace:
        done = challenges.challenge(workspace, version=version, reason=reason, judge=judge)
    say(f"challenger {done.challenger} ({done.mode}), before: {done.previous or 'none'}{_unchanged(kept=done.kept)}")


@commands.command()
def withdraw(
    project: ProjectName,
    reason: Reason,
    target: Target = "dev",
    connection: Connection = None,
    airflow_connection: AirflowConnection = None,
) -> None:
    """Withdraw the challenger; from the next run on the champion scores alone.

    Example: snowloop withdraw -p churn -t prod --reason "no better"
    """
    from snowloop.lifecycle.champion import challenger as challenges

    with open_workspace(project, target, connection, airflow_connection) as workspace:
        done = challenges.withdraw(workspace, reason=reason)
    say(f"no challenger, before: {done.previous or 'none'}{_unchanged(kept=done.kept)}")


@commands.command()
def promote(
    project: ProjectName,
    target: Target = "dev",
    connection: Connection = None,
    airflow_connection: AirflowConnection = None,
) -> None:
    """Ask the gate for the challenger, on the present data, and make it champion if every check passes.

    Where promotions need a person's approval it refuses: there the DAG <project>__challenge asks and promotes.

    Example: snowloop promote --project churn --target prod
    """
    from snowloop.lifecycle.champion.challenger import promote_challenger

    with open_workspace(project, target, connection, airflow_connection) as workspace:
        done = promote_challenger(workspace)
    say(f"champion {done.version_name}, before: {done.previous or 'none'}{_unchanged(kept=done.kept)}")


@commands.command()
def compare(
    project: ProjectName,
    target: Target = "dev",
    connection: Connection = None,
    airflow_connection: AirflowConnection = None,
    version: Annotated[str | None, typer.Option("--version", "-v", help="An earlier challenger.")] = None,
    as_json: AsJson = False,
) -> None:
    """Compare challenger and champion on the rows that they scored: distributions, agreement, and metrics.

    Example: snowloop compare --project churn --target prod
    """
    from snowloop.lifecycle.champion.compare import compare_versions

    with open_workspace(project, target, connection, airflow_connection) as workspace:
        comparison = compare_versions(workspace, version=version)
    say(json.dumps(comparison.to_dict(), indent=2) if as_json else comparison.text())


def _unchanged(*, kept: bool) -> str:
    return " (unchanged)" if kept else ""
