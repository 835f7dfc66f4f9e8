"""Commands of ``snowloop`` about evidence: the score card, what persons tested, monitoring, and rehearsals."""

import json
from typing import Annotated

import typer

from snowloop.cli.options import AirflowConnection, AsJson, Connection, ProjectName, Target, open_workspace, say

commands = typer.Typer()


@commands.command("score-card")
def score_card(
    project: ProjectName,
    target: Target = "dev",
    connection: Connection = None,
    airflow_connection: AirflowConnection = None,
    as_json: AsJson = False,
) -> None:
    """Print the ML Test Score (Breck et al. 2017) with the evidence of what ran in the target. Nothing is changed."""
    from snowloop.lifecycle.monitoring import ml_test_score as cards

    with open_workspace(project, target, connection, airflow_connection) as workspace:
        card = cards.score_card(workspace)
    told = {**card.to_dict(), "sections": card.sections, "total": card.total}
    say(json.dumps(told, indent=2) if as_json else card.text())


@commands.command("record-test")
def record_test(
    project: ProjectName,
    test: Annotated[str, typer.Option(help="Which test of the score card, such as data-5.")],
    result: Annotated[str, typer.Option(help="What was found.")],
    document: Annotated[str, typer.Option(help="Where it is written down, such as a link.")],
    target: Target = "dev",
    connection: Connection = None,
    airflow_connection: AirflowConnection = None,
) -> None:
    """Record that a person did a test of the score card: it counts half."""
    from snowloop.lifecycle.monitoring.ml_test_score import record_by_hand

    with open_workspace(project, target, connection, airflow_connection) as workspace:
        done = record_by_hand(workspace, test=test, result=result, document=document)
    say(f"recorded: {done.key} {done.name}")


@commands.command()
def monitor(
    project: ProjectName,
    target: Target = "dev",
    connection: Connection = None,
    airflow_connection: AirflowConnection = None,
) -> None:
    """Watch what serves: scores that are no numbers, slower runs, an old champion, other packages than it has."""
    from snowloop.lifecycle.monitoring import monitor as monitoring

    with open_workspace(project, target, connection, airflow_connection) as workspace:
        done = monitoring.monitor(workspace)
    say("\n".join(f"{each.name}: {each.reason}" for each in done.checks))


@commands.command()
def rehearse(
    project: ProjectName,
    target: Target = "dev",
    connection: Connection = None,
    airflow_connection: AirflowConnection = None,
) -> None:
    """Train the champion again and compare, test model.py, rehearse a rollback, measure served scores."""
    from snowloop.lifecycle.monitoring import rehearse as rehearsals

    with open_workspace(project, target, connection, airflow_connection) as workspace:
        done = rehearsals.rehearse(workspace)
    say("\n".join(f"{each.name}: {each.reason}" for each in done.tried))
