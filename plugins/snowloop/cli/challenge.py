"""Commands of ``snowloop`` for a challenger: name, compare, withdraw; and for the gate's reference."""

from typing import Annotated

import typer

from snowloop.cli.options import AsJson, show, unchanged, user, workspace_command
from snowloop.workspace import Workspace

commands = typer.Typer()

Reason = Annotated[str, typer.Option("--reason", "-r", help="Why, for the ledger.")]


@workspace_command(commands)
def challenge(
    workspace: Workspace,
    version: Annotated[str, typer.Option("--version", "-v", help="Name of the version that becomes challenger.")],
    reason: Reason,
    judge: Annotated[bool, typer.Option("--judge", help="Ask the gate first, on the present data.")] = False,
    as_json: AsJson = False,
) -> None:
    """Let a version score along with the champion: in the shadow, or its declared share of the keys.

    Example: snowloop challenge -p churn -t prod --version GOOD_1F0C9A3B_77E2D410 --reason "new features"
    """
    from snowloop.lifecycle.champion import challenger as challenges

    done = challenges.challenge(workspace, version=version, reason=reason, judge=judge)
    text = f"challenger {done.challenger} ({done.mode}), before: {done.previous or 'none'}{unchanged(kept=done.kept)}"
    show(done, text, as_json=as_json)


@workspace_command(commands)
def withdraw(workspace: Workspace, reason: Reason, as_json: AsJson = False) -> None:
    """Withdraw the challenger; from the next run on the champion scores alone.

    Example: snowloop withdraw -p churn -t prod --reason "no better"
    """
    from snowloop.lifecycle.champion import challenger as challenges

    done = challenges.withdraw(workspace, reason=reason)
    text = f"no challenger, before: {done.previous or 'none'}{unchanged(kept=done.kept)}"
    show(done, text, as_json=as_json)


@workspace_command(commands)
def compare(
    workspace: Workspace,
    version: Annotated[str | None, typer.Option("--version", "-v", help="An earlier challenger.")] = None,
    as_json: AsJson = False,
) -> None:
    """Compare challenger and champion on the rows that they scored: distributions, agreement, and metrics.

    Example: snowloop compare --project churn --target prod
    """
    from snowloop.lifecycle.champion.compare import compare_versions

    comparison = compare_versions(workspace, version=version)
    show(comparison, comparison.text(), as_json=as_json)


@workspace_command(commands)
def reset_reference(workspace: Workspace, reason: Reason, as_json: AsJson = False) -> None:
    """Let the gate's reference, which no champion may be much worse than, begin again with the present champion.

    For when no model can be as good any more, such as after a change of the population. It is in OPS.LEDGER, with your
    user and the reason.

    Example: snowloop reset-reference -p churn -t prod --reason "new market since May"
    """
    from snowloop.lifecycle.champion.reference import reset_reference as reset

    done = reset(workspace, by=user(workspace.session), reason=reason)
    text = f"reference {done.reference}, before: {done.previous}{unchanged(kept=done.kept)}"
    show(done, text, as_json=as_json)
