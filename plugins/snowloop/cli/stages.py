"""Commands of ``snowloop`` for what the DAGs do apart from deployment: environment, data, training, and health."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from snowloop.cli.options import REFUSED, AsJson, say, show, user, workspace_command
from snowloop.figures import format_figures
from snowloop.workspace import Workspace

if TYPE_CHECKING:
    from snowloop.lifecycle.results import Result

commands = typer.Typer()


@workspace_command(commands, deploys=True)
def environment(workspace: Workspace, as_json: AsJson = False) -> None:
    """Create the database of an environment with its schemas, stages and tables; what exists is kept.

    Example: snowloop environment --project credit_approval --target staging
    """
    from snowloop.lifecycle.data.environment import create_environment

    _show("environment", create_environment(workspace), as_json=as_json)


@workspace_command(commands)
def load(
    workspace: Workspace,
    data: Annotated[Path | None, typer.Option(help="Folder of the files. Default: the declared one.")] = None,
    part: Annotated[
        Literal["initial", "arrivals", "all"], typer.Option(help="What to train on, what arrives later, or all.")
    ] = "all",
    as_json: AsJson = False,
) -> None:
    """Load the files of a project into RAW, each file once; bad lines are kept with file, line and reason.

    Example: snowloop load --project bank_marketing --data ~/bank
    """
    from snowloop.lifecycle.data.load import load_files

    _show("load", load_files(workspace, data or workspace.project.data_dir, part=part), as_json=as_json)


@workspace_command(commands)
def contract(workspace: Workspace, as_json: AsJson = False) -> None:
    """Check the loaded data against the project's contract, and record every check; a violation is refused.

    Example: snowloop contract --project credit_approval
    """
    from snowloop.lifecycle.data.validate import check_contract

    _show("contract", check_contract(workspace), as_json=as_json)


@workspace_command(commands, deploys=True)
def train(
    workspace: Workspace,
    override: Annotated[str, typer.Option(help="Checks that may fail, such as BOUND,SLICES.")] = "",
    override_reason: Annotated[str, typer.Option(help="Why; it is recorded in OPS.LEDGER, with your user.")] = "",
    override_until: Annotated[str, typer.Option(help="When the override expires, such as 2026-12-31, in UTC.")] = "",
    if_needed: Annotated[
        bool, typer.Option("--if-needed", help="Only if what a version is made of is not what was trained last.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Train and test every candidate on the loaded data, and promote the best one if the gate accepts it.

    The stages are those of the DAG <project>__train after loading. Where a promotion needs a person's approval it is
    refused: there the DAG asks for it. With --json each stage is one line of JSON, as it ends.

    Example: snowloop train --project credit_approval
    """
    from snowloop.lifecycle.champion.promote import promote
    from snowloop.lifecycle.data.validate import check_contract
    from snowloop.lifecycle.evaluation.evaluate import evaluate
    from snowloop.lifecycle.features.training_set import build_training_set
    from snowloop.lifecycle.fingerprints import change_kind, recorded_fingerprints
    from snowloop.lifecycle.gate.gate import decide
    from snowloop.lifecycle.gate.refit import refit
    from snowloop.lifecycle.gate.verdict import override_of
    from snowloop.lifecycle.training.train import train_candidate

    if if_needed:
        change = change_kind(workspace.project, recorded_fingerprints(workspace))
        if change.kind != "retrain":
            say(json.dumps({"stage": "train", **change.to_dict()}) if as_json else f"not trained: {change.text()}")
            return
    asked = override or override_reason or override_until
    by = user(workspace.session) if asked else None
    overriding = override_of(by, override_reason, override, override_until)
    _line("contract", check_contract(workspace), as_json=as_json)
    training_set = build_training_set(workspace)
    _line("training set", training_set, as_json=as_json)
    evaluations = []
    for candidate in workspace.project.expanded_candidates:
        trained = train_candidate(workspace, training_set, candidate.name)
        _line(f"candidate {candidate.name}", trained, as_json=as_json)
        evaluations.append(evaluate(workspace, trained))
        _line(f"evaluate {candidate.name}", evaluations[-1], as_json=as_json)
    verdict = decide(workspace, evaluations, override=overriding)
    _line("gate", verdict, as_json=as_json)
    if workspace.project.refit:
        verdict = refit(workspace, verdict, training_set)
        _line("refit", verdict, as_json=as_json)
    _line("promote", promote(workspace, verdict), as_json=as_json)


@workspace_command(commands, deploys=True)
def judge(
    workspace: Workspace,
    if_needed: Annotated[
        bool,
        typer.Option("--if-needed", help="Only if contract or bounds are not those of its last verdict, or it failed."),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Judge the version that serves again, by the declared contract and bounds. Nothing is trained.

    The outcome is in OPS.VERDICTS and OPS.LEDGER. A version that fails gives exit code 2 and opens an alert; it goes on
    serving, unless project.yaml declares `champion: {fails_again: roll_back}`.

    Example: snowloop judge --project credit_approval --target staging --if-needed
    """
    from snowloop.lifecycle.monitoring.judged_again import judge_again

    done = judge_again(workspace, if_needed=if_needed)
    show(done, done.text(), as_json=as_json)
    if done.outcome == "failed":
        raise typer.Exit(REFUSED)


@workspace_command(commands)
def wait(
    workspace: Workspace,
    timeout: Annotated[int, typer.Option(min=0, help="Longest wait in seconds.")] = 600,
    as_json: AsJson = False,
) -> None:
    """Wait until the native tasks have scored or quarantined every row that has arrived.

    Example: snowloop wait --project credit_approval --timeout 900
    """
    from snowloop.lifecycle.scoring.wait import await_scores

    _show("scores", await_scores(workspace, timeout=timeout), as_json=as_json)


@workspace_command(commands)
def reconcile(workspace: Workspace, as_json: AsJson = False) -> None:
    """Prove that every row which arrived was scored once or quarantined once. Nothing is changed.

    Example: snowloop reconcile --project credit_approval --target prod
    """
    from snowloop.lifecycle.scoring.reconcile import reconcile as reconcile_rows

    _show("rows", reconcile_rows(workspace), as_json=as_json)


@workspace_command(commands)
def health(workspace: Workspace, as_json: AsJson = False) -> None:
    """Check stream, tasks and champion of the scoring loop. Findings give exit code 2, each with what to do.

    Nothing is changed.

    Example: snowloop health --project credit_approval --target prod
    """
    from snowloop.lifecycle.scoring.health import stream_health

    result = stream_health(workspace)
    _show("scoring loop", result, as_json=as_json)
    if not as_json:
        say("\n".join(result.findings) or "no findings")
    if result.findings:
        raise typer.Exit(REFUSED)


def _show(stage: str, result: "Result", *, as_json: bool) -> None:
    show(result, f"{stage}: {format_figures(result.summary())}", as_json=as_json)


def _line(stage: str, result: "Result", *, as_json: bool) -> None:
    """One of several results of a command."""
    if as_json:
        say(json.dumps({"stage": stage, **result.to_dict()}))
    else:
        _show(stage, result, as_json=False)
