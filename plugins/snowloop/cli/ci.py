"""The command ``snowloop ci``: what a pull request changes, tried in a disposable database, and its sweep."""

import json
import os
from contextlib import nullcontext
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from snowloop.cli.connections import is_configured
from snowloop.cli.options import (
    FAILED,
    REFUSED,
    AirflowConnection,
    AsJson,
    Connection,
    connection_of,
    ended_by_sigterm,
    errors_as_exit_codes,
    fail,
    note,
    open_session,
    say,
    show,
)
from snowloop.errors import TargetRefused
from snowloop.project import Project, load_project
from snowloop.project.durations import parse_duration
from snowloop.workspace import Workspace

if TYPE_CHECKING:
    from snowflake.snowpark import Session

    from snowloop.lifecycle.ci.review import Review

commands = typer.Typer()


@commands.command()
def ci(  # noqa: PLR0913 - the options of a command
    *,
    project: Annotated[
        str | None, typer.Option("--project", "-p", help="Name of the folder below include/projects.")
    ] = None,
    against: Annotated[str, typer.Option(help="The target into which the change is to be deployed.")] = "staging",
    base: Annotated[
        str | None, typer.Option(help="The commit into which it is to be merged, such as origin/main.")
    ] = None,
    report: Annotated[Path | None, typer.Option("--report", "-o", help="File for the report in Markdown.")] = None,
    data: Annotated[
        Path | None, typer.Option(help="Folder of the files, where there is no target. Default: the declared one.")
    ] = None,
    expires_in: Annotated[
        str, typer.Option(help="After which time the sweep may drop the database of this trial.")
    ] = "2 hours",
    sweep: Annotated[
        bool, typer.Option("--sweep", help="Only drop the databases of trials that were killed and have expired.")
    ] = False,
    connection: Connection = None,
    airflow_connection: AirflowConnection = None,
    as_json: AsJson = False,
) -> None:
    """Try a change before it is merged: kind of change, plan, verdict, score difference and cost.

    The target is not changed. Where it exists, its database is cloned for the time of the command; where it does not,
    as on a local Snowflake, what the base declares is built in an empty one. Versions are trained only if
    the change asks for it, on at most ci.training_rows rows of the source. Exit code 2: the change is refused, for the
    reasons in the report.

    Example: snowloop ci --project churn --against staging --base origin/main --report report.md
    """
    if sweep == (project is not None):
        fail("give --project to try a change of it, or --sweep to drop what trials have left, not both", FAILED)
    with errors_as_exit_codes(), ended_by_sigterm():
        if project is None:
            _sweep(connection, airflow_connection, as_json=as_json)
            return
        lifetime = parse_duration(expires_in)
        found = _review(load_project(project), against, base, data, lifetime, connection, airflow_connection)
    from snowloop.lifecycle.ci.markdown import markdown

    text = markdown(found, links())
    if report:
        report.parent.mkdir(parents=True, exist_ok=True)
        report.write_text(text, encoding="utf-8")
    say(json.dumps(found.to_dict(), indent=2) if as_json else text.rstrip())
    if found.reasons:
        raise typer.Exit(REFUSED)


def _sweep(connection: str | None, airflow_connection: str | None, *, as_json: bool) -> None:
    from snowloop.lifecycle.ci.trial import sweep

    with open_session("", connection, airflow_connection, None) as session:
        done = sweep(session)
    show(done, done.text(), as_json=as_json)


def _review(
    project: Project,
    against: str,
    base: str | None,
    data: Path | None,
    lifetime: timedelta,
    connection: str | None,
    airflow_connection: str | None,
) -> "Review":
    from snowloop.lifecycle.ci.base import base_at
    from snowloop.lifecycle.ci.review import review

    declared = connection_of(project, against)
    of_target = declared if declared and is_configured(declared) else None
    chosen = connection or airflow_connection or of_target
    with (
        base_at(project, base) if base else nullcontext() as before,
        open_session(project.name, connection, airflow_connection, of_target) as session,
    ):
        source, deployed = _source(session, project, against, must_be=chosen is not None)
        return review(source, base=before, deployed=deployed, data=data, lifetime=lifetime)


def _source(session: "Session", project: Project, against: str, *, must_be: bool) -> tuple[Workspace, bool]:
    """The workspace of the target; and whether the session is there, if no connection of the target was chosen."""
    try:
        return Workspace.open(session, project, against), True
    except TargetRefused as refused:
        if must_be:
            raise
        note(f"{refused}. The trial is in an empty database")
    return Workspace(session, project.in_target(against), against), False


def links() -> dict[str, str]:
    """The address of the run, as GitHub Actions, GitLab CI and Azure Pipelines tell it in the environment."""
    run = os.environ
    if "GITHUB_RUN_ID" in run:
        return {"run": f"{run['GITHUB_SERVER_URL']}/{run['GITHUB_REPOSITORY']}/actions/runs/{run['GITHUB_RUN_ID']}"}
    if "CI_JOB_URL" in run:
        return {"run": run["CI_JOB_URL"]}
    if "BUILD_BUILDID" in run:
        place = f"{run['SYSTEM_COLLECTIONURI']}{run['SYSTEM_TEAMPROJECT']}"
        return {"run": f"{place}/_build/results?buildId={run['BUILD_BUILDID']}"}
    return {}
