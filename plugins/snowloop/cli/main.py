"""The command ``snowloop``: the scoring loop of a project and its life cycle from a terminal."""

import json
import sys
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from snowloop.cli import alerts, challenge, ci, debugging, delivery, evidence, reprocess, stages
from snowloop.cli.options import DIFFERS, DONE, FAILED, REFUSED, AsJson, fail, note, say, show, workspace_command
from snowloop.errors import SnowloopError
from snowloop.workspace import Workspace

HELP = """Plan, deploy and monitor the native scoring loop of a project, and run the stages of its life cycle.

Which Snowflake: --connection, or --airflow-connection, or the connection that targets.yaml names for the target, or
SNOWFLAKE_ACCOUNT, SNOWFLAKE_USER, SNOWFLAKE_PASSWORD, SNOWFLAKE_ROLE, SNOWFLAKE_HOST, SNOWFLAKE_PORT and so on in the
environment, or the connection file that SNOWLOOP_CONNECTIONS names, or .local/connections.toml, which make run and make
up write.

Exit code: 0 done, or as declared; 1 an error; 2 refused, or findings, with the reason and what to do, or a wrong
option; 3 something differs from the declaration (plan and status with --exit-code).

Example: snowloop status --project credit_approval
"""
app = typer.Typer(help=HELP, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
for group in (stages, reprocess, challenge, ci, delivery, evidence, alerts, debugging):
    app.add_typer(group.commands)


AllowDrop = Annotated[
    list[str] | None,
    typer.Option(
        "--allow-drop", metavar="NAME", help="A table or column that may be dropped, such as RAW.OLD or RAW.LOANS.OLD."
    ),
]


@workspace_command(app)
def plan(
    workspace: Workspace,
    as_json: AsJson = False,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="File to save the plan in, for apply --plan.")] = None,
    sql: Annotated[Path | None, typer.Option("--sql", help="File to write the statements to, for people.")] = None,
    allow_drop: AllowDrop = None,
    exit_code: Annotated[bool, typer.Option("--exit-code", help="Exit with 3 if there is something to do.")] = False,
) -> None:
    """Compare environment and scoring loop with the declaration, and show what apply would do. Nothing is changed.

    It also says what kind of change the declaration is: train, judge again, deploy, or nothing.

    Example: snowloop plan --project credit_approval --target prod --out plan.json
    """
    from snowloop.lifecycle.scoring.deployment import plan_deployment
    from snowloop.lifecycle.scoring.plan_file import save_plan, write_text

    made = plan_deployment(workspace, allow_drop or ())
    if out:
        save_plan(made, out)
    if sql:
        write_text(made.sql(), sql)
    say(json.dumps(made.to_dict(), indent=2) if as_json else made.text())
    if made.refused:
        raise typer.Exit(REFUSED)
    raise typer.Exit(DIFFERS if exit_code and not made.nothing_to_do else DONE)


@workspace_command(app, deploys=True)
def apply(
    workspace: Workspace,
    as_json: AsJson = False,
    saved: Annotated[
        Path | None, typer.Option("--plan", help="A plan saved by plan --out: exactly this one is applied, or none.")
    ] = None,
    allow_drop: AllowDrop = None,
) -> None:
    """Plan, print the plan, and apply it: the environment, then the scoring loop. What is as declared is left alone.

    With --plan FILE the saved plan is applied; if a new plan differs from it, nothing is changed and it is refused. An
    interrupted change is completed by the next apply.

    Example: snowloop apply --project credit_approval --target prod --plan plan.json
    """
    from snowloop.lifecycle.deployment.lock import deployment_lock
    from snowloop.lifecycle.scoring.deployment import apply_deployment, plan_deployment
    from snowloop.lifecycle.scoring.plan_file import check_unchanged, read_plan

    approved = read_plan(saved) if saved else None
    with deployment_lock(workspace, "apply") as lease:
        made = plan_deployment(workspace, allow_drop or ())
        if approved:
            check_unchanged(approved, made)
        if not as_json:
            say(made.text())
        done = apply_deployment(workspace, made, lease, as_saved=approved is not None)
    if as_json:
        say(json.dumps(done.to_dict(), indent=2))
    elif done.summary():
        say(f"applied: {', '.join(f'{count} {action}' for action, count in done.summary().items())}")
    if done.refused:
        fail(done.refused, REFUSED)


@workspace_command(app)
def status(
    workspace: Workspace,
    as_json: AsJson = False,
    exit_code: Annotated[
        bool, typer.Option("--exit-code", help="Exit with 3 if the environment is not as declared.")
    ] = False,
) -> None:
    """Show what is deployed, and whether it is what the commit says. Nothing is changed.

    The scoring loop: champion, stream and its backlog, tasks, last runs, quarantine. The commit: the last deployments,
    what apply would do, what was changed by hand.

    Example: snowloop status --project credit_approval --target prod --exit-code
    """
    from snowloop.lifecycle.scoring.commit_status import commit_status
    from snowloop.lifecycle.scoring.status import loop_status

    loop = loop_status(workspace)
    commit = commit_status(workspace, loop.standing)
    fields = {**loop.to_dict(), "healthy": loop.healthy, "commit": commit.to_dict()}
    say(json.dumps(fields, indent=2) if as_json else f"{loop.text()}\n{commit.text()}")
    raise typer.Exit(DIFFERS if exit_code and not commit.as_declared else DONE)


def _names_one_verdict(*, verdict: str | None, version: str | None, **_options: Any) -> None:
    if verdict and version:
        fail("give --verdict or --version, not both", FAILED)


@workspace_command(app, check=_names_one_verdict)
def report(
    workspace: Workspace,
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for report.html and report.md.")] = Path("report"),
    verdict: Annotated[str | None, typer.Option(help="Id in OPS.VERDICTS. Default: the last verdict.")] = None,
    version: Annotated[str | None, typer.Option(help="The last verdict on this version.")] = None,
    as_json: AsJson = False,
) -> None:
    """Write the model card of a verdict: a page, and Markdown for a pull request, from what Snowflake has recorded.

    Example: snowloop report --project credit_approval --out report
    """
    from snowloop.lifecycle.report import write_report

    made = write_report(workspace, out, verdict_id=verdict, version=version)
    show(made, f"{made.version_name}: {made.outcome}\n{made.html}\n{made.markdown}", as_json=as_json)


@app.command()
def new(
    name: Annotated[str, typer.Argument(help="Name of the project: letters, digits and _, such as churn.")],
    file: Annotated[Path, typer.Option("--from", metavar="FILE", help="CSV (also compressed), Parquet or JSON lines.")],
    key: Annotated[
        list[str] | None,
        typer.Option(help="Column that identifies a row; more than one: --key A --key B. Default: inferred."),
    ] = None,
    label: Annotated[
        str | None,
        typer.Option(
            help="Column to predict. Default: one with a usual name, such as target or churn, or a last one of classes."
        ),
    ] = None,
    folder: Annotated[
        Path | None,
        typer.Option("--dir", help="Folder of projects. Default: include/projects; others need SNOWLOOP_PROJECTS."),
    ] = None,
    encoding: Annotated[str, typer.Option(help="Encoding of the file, such as latin-1 or windows-1252.")] = "UTF-8",
    header: Annotated[
        bool, typer.Option("--header/--no-header", help="Whether the first record has the names of the columns.")
    ] = True,
    as_json: AsJson = False,
) -> None:
    """Write the first declaration of a project from a file: CSV (also gzip, zstd), Parquet or JSON lines.

    Four files: project.yaml (columns with types and a contract, key, label, metric), features.sql, label.sql, model.py.
    Rows of a file without a key are numbered. Inferred defaults are listed, with the lines to check and the command
    that runs it all. Nothing is ever overwritten, and nothing is sent anywhere.

    Example: snowloop new wine --from data/wine.csv --label cultivar
    """
    from snowloop.new import new_project

    try:
        written = new_project(
            name, file, key=key or (), label=label, folder=folder, encoding=encoding, header=header, progress=note
        )
    except SnowloopError as error:
        fail(str(error), FAILED)
    show(written, written.text(), as_json=as_json)


@app.command()
def init(
    directory: Annotated[Path, typer.Argument(help="Folder of the repository, which is made if it is not there.")],
    file: Annotated[
        Path | None, typer.Option("--from", metavar="FILE.csv", help="A CSV file, for a first project.")
    ] = None,
    name: Annotated[
        str | None, typer.Option(help="Name of the project. Default: that of the file, or else of the folder.")
    ] = None,
    ci: Annotated[
        Literal["github", "gitlab", "azure"], typer.Option("--ci", help="Whose pipelines deliver the models.")
    ] = "github",
    key: Annotated[list[str] | None, typer.Option(help="Column that identifies a row. Default: inferred.")] = None,
    label: Annotated[str | None, typer.Option(help="Column to predict. Default: inferred.")] = None,
    as_json: AsJson = False,
) -> None:
    """Lay out a repository of your own: DAGs, projects, targets, tests, and pipelines that deliver its models.

    With --from also a first project, as by snowloop new, and a copy of the file's rows for the tests. Nothing is ever
    overwritten, and nothing is sent anywhere.

    Example: snowloop init models --from data/churn.csv --name churn --ci github
    """
    from snowloop.new import new_repository

    try:
        made = new_repository(directory, file=file, name=name, ci=ci, key=key or (), label=label, progress=note)
    except SnowloopError as error:
        fail(str(error), FAILED)
    show(made, made.text(), as_json=as_json)


@app.command()
def schema(
    of: Annotated[
        Literal["project", "targets"], typer.Option("--of", help="Which file: project or targets.")
    ] = "project",
) -> None:
    """Print the JSON Schema of project.yaml or targets.yaml, as include/ contains both for editors.

    Example: snowloop schema --of targets > targets.schema.json
    """
    from snowloop.project.files.schema import SCHEMAS

    sys.stdout.write(SCHEMAS[of].text())


def main() -> None:
    """Run the command."""
    app()


if __name__ == "__main__":
    main()
