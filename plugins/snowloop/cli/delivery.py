"""Commands of ``snowloop`` that bring a version into a target, and ask whether what is there works."""

import json
from typing import Annotated, Any

import typer

from snowloop.cli.options import FAILED, REFUSED, AsJson, fail, open_workspace, say, unchanged, workspace_command
from snowloop.command_line import command
from snowloop.project import load_project
from snowloop.workspace import Workspace

commands = typer.Typer()

From = Annotated[
    str | None,
    typer.Option("--from", metavar="TARGET", help="Copy the version of this target. Default: promote the challenger."),
]
To = Annotated[
    str, typer.Option("--to", "--target", "-t", envvar="SNOWLOOP_TARGET", help="The target in which it is to serve.")
]


def _needs_a_source(*, source: str | None, version: str | None, from_connection: str | None, **_options: Any) -> None:
    if source is None and (version or from_connection):
        fail("--version and --from-connection are for --from: name the target whose version is promoted", FAILED)


@workspace_command(commands, deploys=True, target=To, check=_needs_a_source)
def promote(
    workspace: Workspace,
    source: From = None,
    version: Annotated[
        str | None, typer.Option("--version", "-v", help="With --from: name or alias. Default: its champion.")
    ] = None,
    from_connection: Annotated[
        str | None,
        typer.Option(help="The source's connection in connections.toml. Default: as targets.yaml, or the same."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Promote the challenger through the gate; or, with --from, the very version of another target.

    With --from the version's files are copied, within an account or from one to another; nothing is trained. What is
    recorded of it travels along; the contract, SKEW, ROBUST and one scored row, which is rolled back, are asked again
    where it arrives. An interrupted promotion is completed by the same command.

    Where promotions need a person's approval it refuses: there the DAGs <project>__challenge and <project>__promote
    ask and promote.

    Example: snowloop promote --project churn --from staging --to prod
    """
    if source is None:
        _promote_challenger(workspace, as_json=as_json)
        return
    from snowloop.lifecycle.delivery.deliver import check_accepted

    project = load_project(workspace.project.name)
    check_accepted(project, source, workspace.target)
    declared = project.targets.find(source)
    connection = from_connection or (declared.connection if declared else None)
    if connection is None:
        _promote_from(Workspace.open(workspace.session, project, source), workspace, version, as_json=as_json)
        return
    with open_workspace(project.name, source, connection, None) as given:
        _promote_from(given, workspace, version, as_json=as_json)


def _promote_challenger(workspace: Workspace, *, as_json: bool) -> None:
    from snowloop.lifecycle.champion.challenger import promote_challenger

    done = promote_challenger(workspace)
    text = f"champion {done.version_name}, before: {done.previous or 'none'}{unchanged(kept=done.kept)}"
    say(json.dumps(done.to_dict(), indent=2) if as_json else text)


def _promote_from(source: Workspace, destination: Workspace, version: str | None, *, as_json: bool) -> None:
    from snowloop.lifecycle.champion.promote import promote as set_champion
    from snowloop.lifecycle.delivery.deliver import deliver

    verdict = deliver(source, destination, version)
    done = set_champion(destination, verdict)
    if as_json:
        say(json.dumps({"verdict": verdict.to_dict(), "promotion": done.to_dict()}, indent=2))
        return
    for check in verdict.checks:
        say(f"  {check.name:<25}{check.outcome.replace('_', ' '):<11}{check.reason}")
    before = f"before: {done.previous or 'none'}{unchanged(kept=done.kept)}"
    say(f"champion of {destination.target}: {done.version_name} from {source.target}, {before}")
    where = {"project": destination.project.name, "target": destination.target}
    say(f"next: {command('apply', **where)}, then {command('smoke', **where)}")


@workspace_command(commands)
def smoke(workspace: Workspace, as_json: AsJson = False) -> None:
    """Ask whether what is deployed works: champion, one row scored and rolled back, scoring loop, readers.

    Nothing is left behind, but for the procedure that scores the row. A failed check gives exit code 2.

    Example: snowloop smoke --project churn --target prod
    """
    from snowloop.lifecycle.delivery.smoke import smoke as ask

    done = ask(workspace)
    say(
        json.dumps(done.to_dict(), indent=2)
        if as_json
        else f"{workspace.project.name} in {done.target}:\n{done.text()}"
    )
    if done.failed:
        raise typer.Exit(REFUSED)
