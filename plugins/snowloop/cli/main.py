"""The command ``snowloop``: the scoring loop of a project and its life cycle from a terminal."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from snowloop.cli import challenge, evidence, reprocess, stages
from snowloop.cli.options import (
    DONE,
    FAILED,
    REFUSED,
    AirflowConnection,
    AsJson,
    Connection,
    ProjectName,
    Target,
    fail,
    open_workspace,
    say,
)
from snowloop.errors import SnowloopError

if TYPE_CHECKING:
    from snowloop.lifecycle.scoring.plan import Plan

HELP = """Plan, deploy and monitor the native scoring loop of a project, and run the stages of its life cycle.

Which Snowflake: --connection, or --airflow-connection, or SNOWFLAKE_ACCOUNT, SNOWFLAKE_USER, SNOWFLAKE_PASSWORD,
SNOWFLAKE_ROLE, SNOWFLAKE_HOST, SNOWFLAKE_PORT and so on in the environment, or the connection file that
SNOWLOOP_CONNECTIONS names, or .local/connections.toml, which make run and make up write.

Exit code: 0 done, or as declared; 1 an error; 2 refused, or findings, with the reason and what to do.

Example: snowloop status --project credit_approval
"""
app = typer.Typer(help=HELP, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
for group in (stages, reprocess, challenge, evidence):
    app.add_typer(group.commands)


@app.command()
def plan(
    project: ProjectName,
    target: Target = "dev",
    connection: Connection = None,
    airflow_connection: AirflowConnection = None,
    as_json: AsJson = False,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="File to save the plan in, for apply --plan.")] = None,
) -> None:
    """Compare the declared scoring loop with the deployed one, and show what apply would do. Nothing is changed.

    Example: snowloop plan --project credit_approval --target prod --out plan.json
    """
    from snowloop.lifecycle.scoring.plan import plan_scoring
    from snowloop.lifecycle.scoring.plan_file import save_plan

    with open_workspace(project, target, connection, airflow_connection) as workspace:
        made = plan_scoring(workspace)
        if out:
            save_plan(made, out)
    say(_plan_json(made) if as_json else made.text())
    raise typer.Exit(REFUSED if made.refused else DONE)


@app.command()
def apply(
    project: ProjectName,
    target: Target = "dev",
    connection: Connection = None,
    airflow_connection: AirflowConnection = None,
    as_json: AsJson = False,
    saved: Annotated[
        Path | None, typer.Option("--plan", help="A plan saved by plan --out: exactly this one is applied, or none.")
    ] = None,
) -> None:
    """Plan, print the plan, and apply it. What is as declared is left alone; an interrupted change is completed.

    With --plan FILE the saved plan is applied; if a new plan differs from it, nothing is changed and it is refused.

    Example: snowloop apply --project credit_approval --target prod --plan plan.json
    """
    from snowloop.lifecycle.scoring.apply import apply_plan
    from snowloop.lifecycle.scoring.plan import plan_scoring
    from snowloop.lifecycle.scoring.plan_file import check_unchanged, read_plan

    with open_workspace(project, target, connection, airflow_connection) as workspace:
        approved = read_plan(saved) if saved else None
        made = plan_scoring(workspace)
        if approved:
            check_unchanged(approved, made)
        if not as_json or made.refused:
            say(_plan_json(made) if as_json else made.text())
        if made.refused:
            raise typer.Exit(REFUSED)
        deployed = apply_plan(workspace.session, made)
    if as_json:
        say(json.dumps(deployed.to_dict(), indent=2))
    elif not made.nothing_to_do:
        say(f"applied: {', '.join(f'{count} {action}' for action, count in deployed.summary().items())}")


@app.command()
def status(
    project: ProjectName,
    target: Target = "dev",
    connection: Connection = None,
    airflow_connection: AirflowConnection = None,
    as_json: AsJson = False,
) -> None:
    """Show what is deployed: champion, stream and its backlog, tasks, last runs, quarantine. Nothing is changed.

    Example: snowloop status --project credit_approval
    """
    from snowloop.lifecycle.scoring.status import loop_status

    with open_workspace(project, target, connection, airflow_connection) as workspace:
        shown = loop_status(workspace)
    say(json.dumps({**shown.to_dict(), "healthy": shown.healthy}, indent=2) if as_json else shown.text())


@app.command()
def report(
    project: ProjectName,
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for report.html and report.md.")] = Path("report"),
    verdict: Annotated[str | None, typer.Option(help="Id in OPS.VERDICTS. Default: the last verdict.")] = None,
    version: Annotated[str | None, typer.Option(help="The last verdict on this version.")] = None,
    target: Target = "dev",
    connection: Connection = None,
    airflow_connection: AirflowConnection = None,
) -> None:
    """Write the model card of a verdict: a page, and Markdown for a pull request, from what Snowflake has recorded.

    Example: snowloop report --project credit_approval --out report
    """
    from snowloop.lifecycle.report import write_report

    if verdict and version:
        fail("give --verdict or --version, not both", FAILED)
    with open_workspace(project, target, connection, airflow_connection) as workspace:
        made = write_report(workspace, out, verdict_id=verdict, version=version)
    say(f"{made.version_name}: {made.outcome}\n{made.html}\n{made.markdown}")


@app.command()
def new(
    name: Annotated[str, typer.Argument(help="Name of the project: letters, digits and _, such as churn.")],
    file: Annotated[Path, typer.Option("--from", metavar="FILE.csv", help="A CSV file with a header, in UTF-8.")],
    key: Annotated[
        list[str] | None,
        typer.Option(help="Column that identifies a row; more than one: --key A --key B. Default: inferred."),
    ] = None,
    label: Annotated[
        str | None, typer.Option(help="Column to predict. Default: target, label, class, y, or a last one of classes.")
    ] = None,
    folder: Annotated[
        Path | None,
        typer.Option("--dir", help="Folder of projects. Default: include/projects; others need SNOWLOOP_PROJECTS."),
    ] = None,
) -> None:
    """Write the first declaration of a project from a CSV file.

    Four files: project.yaml (columns with types and a contract, key, label, metric), features.sql, label.sql, model.py.
    Rows of a file without a key are numbered. Inferred defaults are listed, with the lines to check and the command
    that runs it all. Nothing is ever overwritten, and nothing is sent anywhere.

    Example: snowloop new wine --from data/wine.csv --label cultivar
    """
    from snowloop.new import new_project

    try:
        written = new_project(name, file, key=key or (), label=label, folder=folder)
    except SnowloopError as error:
        fail(str(error), FAILED)
    say(written.text())


@app.command()
def schema() -> None:
    """Print the JSON Schema of project.yaml, which include/projects/project.schema.json contains for editors.

    Example: snowloop schema > project.schema.json
    """
    from snowloop.project.schema import schema_text

    sys.stdout.write(schema_text())


def _plan_json(made: "Plan") -> str:
    return json.dumps({**made.to_dict(), "summary": made.summary()}, indent=2)


def main() -> None:
    """Run the command."""
    app()


if __name__ == "__main__":
    main()
