"""Commands of ``snowloop`` about evidence: the score card, manual tests, monitoring, and rehearsals."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from snowloop.checks import counted, listed
from snowloop.cli.options import REFUSED, AsJson, fail, say, show, workspace_command
from snowloop.errors import MonitoringCheckError
from snowloop.workspace import Workspace

commands = typer.Typer()


@workspace_command(commands, "score-card")
def score_card(workspace: Workspace, as_json: AsJson = False) -> None:
    """Print the ML Test Score (Breck et al. 2017) with the evidence of what ran in the target. Nothing is changed.

    Example: snowloop score-card --project credit_approval
    """
    from snowloop.lifecycle.monitoring import ml_test_score as cards

    card = cards.score_card(workspace)
    fields = {**card.to_dict(), "sections": card.sections, "total": card.total}
    say(json.dumps(fields, indent=2) if as_json else card.text())


@workspace_command(commands, "record-test")
def record_test(
    workspace: Workspace,
    test: Annotated[str, typer.Option(help="Which test of the score card, such as data-5.")],
    result: Annotated[str, typer.Option(help="The result in words.")],
    document: Annotated[str, typer.Option(help="Where it is documented, such as a link.")],
    as_json: AsJson = False,
) -> None:
    """Record that a person did a test of the score card: it counts half.

    Example: snowloop record-test -p churn --test data-5 --result "only readers see scores" --document <link>
    """
    from snowloop.lifecycle.monitoring.ml_test_score import record_by_hand

    done = record_by_hand(workspace, test=test, result=result, document=document)
    say(json.dumps({"key": done.key, "name": done.name}, indent=2) if as_json else f"recorded: {done.key} {done.name}")


@workspace_command(commands)
def monitor(
    workspace: Workspace,
    html: Annotated[
        Path | None, typer.Option(help="File for the page: drift, scores, performance, volume and latency over time.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Check what serves: scores that are not finite, slower runs, an old champion, other packages, drift.

    Checks are shown and the page is written also if one of them fails.

    Example: snowloop monitor --project credit_approval --target prod --html monitoring.html
    """
    from snowloop.lifecycle.monitoring import monitor as monitoring
    from snowloop.lifecycle.report.monitoring import write_page

    failed: MonitoringCheckError | None = None
    try:
        done = monitoring.monitor(workspace)
    except MonitoringCheckError as found:
        failed, done = found, found.report
    if html:
        done = replace(done, page=write_page(workspace, html))
    show(done, "\n".join(filter(None, [listed(done.checks), done.waiting, done.page])), as_json=as_json)
    if failed:
        raise failed


@workspace_command(commands)
def probation(workspace: Workspace, as_json: AsJson = False) -> None:
    """Judge a new champion by the rows that the former one scores along; roll it back where that is declared.

    Example: snowloop probation --project churn --target prod
    """
    from snowloop.lifecycle.monitoring.probation import follow_probation

    done = follow_probation(workspace)
    found = done.probation
    text = f"{found.version_name}: {found.state}: {found.reason}" if found else "no probation has begun"
    show(done, text, as_json=as_json)


@workspace_command(commands)
def verify(workspace: Workspace, as_json: AsJson = False) -> None:
    """Ask whether anything is lost, twice, or does not agree: rows, loads, runs, champion, ledger, training sets.

    Nothing is changed. It ends with 2 if a check fails.

    Example: snowloop verify --project credit_approval --target prod
    """
    from snowloop.lifecycle.monitoring.verify import verify as verifying

    done = verifying(workspace)
    show(done, listed(done.checks, failed="FAULT"), as_json=as_json)
    if done.faults:
        fail(f"{workspace.database}: {counted(done.checks, ' checks')}", REFUSED)


@workspace_command(commands)
def rehearse(workspace: Workspace, as_json: AsJson = False) -> None:
    """Rehearse retraining and rollback: train the champion again and compare, test model.py, measure served scores.

    Example: snowloop rehearse --project credit_approval --target staging
    """
    from snowloop.lifecycle.monitoring import rehearse as rehearsals

    done = rehearsals.rehearse(workspace)
    show(done, listed(done.checks), as_json=as_json)
