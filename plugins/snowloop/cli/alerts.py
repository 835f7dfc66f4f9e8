"""The command ``snowloop alerts``: which alerts are open, and what a person decides about one."""

import json
from typing import Annotated, Any, Literal

import typer
from pydantic import TypeAdapter, ValidationError

from snowloop.cli.options import FAILED, AsJson, fail, say, user, workspace_command
from snowloop.project.durations import Duration
from snowloop.workspace import Workspace

commands = typer.Typer()


def _complete(*, action: str, name: str | None, reason: str, muted_for: str | None, **_options: Any) -> None:
    """Refuse what cannot be done before a session is opened."""
    if action == "list":
        if name or reason or muted_for:
            fail("the list takes no name, --reason or --for: give ack, mute or close before the name", FAILED)
        return
    if not name or not reason.strip():
        fail(f"{action} needs the signal or the id of an open alert, and --reason, which is recorded", FAILED)
    if (action == "mute") is not bool(muted_for):
        fail("mute needs --for, such as --for '2 days'; ack and close do not take it", FAILED)


@workspace_command(commands, check=_complete)
def alerts(
    workspace: Workspace,
    action: Annotated[
        Literal["list", "ack", "mute", "close"],
        typer.Argument(help="list: show them; ack: you take care of it; mute: no messages; close: by hand."),
    ] = "list",
    name: Annotated[str | None, typer.Argument(help="Signal or id of an open alert.")] = None,
    reason: Annotated[str, typer.Option("--reason", "-r", help="Why; recorded with your user.")] = "",
    muted_for: Annotated[str | None, typer.Option("--for", help="How long to mute, such as '2 days' or 6h.")] = None,
    closed: Annotated[bool, typer.Option("--all", help="List closed alerts too.")] = False,
    as_json: AsJson = False,
) -> None:
    """List the open alerts, acknowledge one, mute its signal for a time, or close it.

    An acknowledged alert is not sent again until it rises or closes. Only list changes nothing.

    Example: snowloop alerts mute volume -p churn -t prod --for "2 days" --reason "the shop is closed"
    """
    from snowloop.lifecycle.monitoring import alert_store as store

    if action == "list":
        shown = store.list_alerts(workspace, closed=closed)
    elif action == "mute":
        length = _length(str(muted_for))
        shown = store.mute(workspace, str(name), until=length, by=user(workspace.session), reason=reason)
    else:
        change = store.acknowledge if action == "ack" else store.close
        shown = change(workspace, str(name), by=user(workspace.session), reason=reason)
    say(json.dumps(shown.to_dict()["alerts"], indent=2) if as_json else shown.text())


def _length(text: str) -> Any:
    try:
        return TypeAdapter(Duration).validate_python(text)
    except ValidationError as error:
        fail(f"--for {text}: {error.errors()[0]['msg'].removeprefix('Value error, ')}", FAILED)
