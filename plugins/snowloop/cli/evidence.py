"""Commands of ``snowloop`` about evidence: the score card, manual tests, monitoring, and rehearsals."""

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
    """Print the ML Test Score (Breck et al. 2017) with the evidence of what ran in the target. Nothing is changed.

    Example: snowloop score-card --project credit_approval
    """
    from snowloop.lifecycle.monitoring import ml_test_score as cards

    with open_workspace(project, target, connection, airflow_connection) as workspace:
        card = cards.score_card(workspace)
    fields = {**card.to_dict(), "sections": card.sections, "total": card.total}
    say(json.dumps(fields, indent=2) if as_json else card.text())


@commands.command("record-test")
def record_test(
    project: ProjectName,
    test: Annotated[str, typer.Option(help="Which test of the score card, such as data-5.")],
    result: Annotated[str, typer.Option(help="The result in words.")],
    document: Annotated[str, typer.Option(help="Where it is documented, such as a link.")],
    target: Target = "dev",
    connection: Connection = None,
    airflow_connection: AirflowConnection = None,
) -> None:
    """Record that a person did a test of the score card: it counts half.

    Example: snowloop record-test -p churn --test data-5 --result "only readers see scores" --document <link>
    """
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
    """Check what serves: scores that are not finite, slower runs, an old champion, other packages than in training.

    Example: snowloop monitor --project credit_approval --target prod
    """
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
    """Rehearse retraining and rollback: train the champion again and compare, test model.py, measure served scores.

    Example: snowloop rehearse --project credit_approval --target staging
    """
    from snowloop.lifecycle.monitoring import rehearse as rehearsals

    with open_workspace(project, target, connection, airflow_connection) as workspace:
        done = rehearsals.rehearse(workspace)
    say("\n".join(f"{each.name}: {each.reason}" for each in done.checks))
