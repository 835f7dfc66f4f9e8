"""Commands of ``snowloop`` that repair: recover a stream, backfill, requeue corrected rows, roll back a champion."""

import json
from typing import Annotated, Any

import typer

from snowloop.cli.options import FAILED, AsJson, fail, say, show, workspace_command
from snowloop.workspace import Workspace

commands = typer.Typer()

Version = Annotated[
    str | None, typer.Option("--version", "-v", help="Name or alias of the version that scores. Default: the champion.")
]
Moment = "such as 2026-01-31 or 2026-01-31T12:00:00+01:00; UTC if it names no zone."


@workspace_command(commands)
def recover(workspace: Workspace, as_json: AsJson = False) -> None:
    """Replace a stream that is stale or missing, and have the rows that it lost scored, each once. Then run apply.

    If it is interrupted, plan refuses until it is run again, to its end. It also finds rows that another consumer read.

    Example: snowloop recover --project credit_approval --target prod
    """
    from snowloop.lifecycle.scoring.reprocess.recover import recover_loop

    done = recover_loop(workspace)
    text = f"stream {done.stream}, {done.rows:,} lost rows found; start the tasks: snowloop apply"
    show(done, text, as_json=as_json)


def _says_which_rows(*, every_row: bool, **options: Any) -> None:
    limited = any(options[name] is not None for name in ("start", "end", "first_key", "last_key"))
    if limited == every_row:
        fail("say which rows: --from, --to, --first-key, --last-key; or --all, which scores every row again", FAILED)


@workspace_command(commands, check=_says_which_rows)
def backfill(  # noqa: PLR0913, PLR0917 - the options of a command
    workspace: Workspace,
    version: Version = None,
    start: Annotated[str | None, typer.Option("--from", help=f"Beginning of the period, {Moment}")] = None,
    end: Annotated[str | None, typer.Option("--to", help=f"End of the period, exclusive, {Moment}")] = None,
    first_key: Annotated[str | None, typer.Option(help="Smallest value of the first key column.")] = None,
    last_key: Annotated[str | None, typer.Option(help="Largest value of it, inclusive.")] = None,
    every_row: Annotated[bool, typer.Option("--all", help="All rows: required if nothing else limits them.")] = False,
    batch_size: Annotated[int, typer.Option(min=1, help="Largest number of rows in one transaction.")] = 10_000,
    run_id: Annotated[
        str | None, typer.Option(help="Name of the run: an existing run is resumed, a new name starts one.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Score rows of the source again, apart from the loop: new scores in SERVING.SCORED; the newest of a key counts.

    The period is that of the declared event time, or else of the first scoring. It works in batches. If interrupted,
    the same command resumes it, with the version and the features.sql with which it started, or says why it cannot.
    Rows that wait in the stream are left to the loop. Quarantined rows are not scored: see requeue.

    Example: snowloop backfill -p credit_approval -t prod --from 2026-01-01 --to 2026-02-01
    """
    from snowloop.lifecycle.scoring.reprocess import backfill as backfills

    rows = backfills.Rows(start, end, first_key, last_key)
    done = backfills.backfill(workspace, version=version, rows=rows, batch_size=batch_size, run_id=run_id)
    text = f"{done.scored:,} of {done.rows:,} rows scored with {done.model_version}, run {done.run_id}"
    if done.resumed_at:
        age = f", started {done.age_seconds / 3600:.1f} h ago" if done.age_seconds else ""
        text += f"\n{done.resumed_at} of {done.batches} batches had been scored before{age}"
    show(done, text, as_json=as_json)


@workspace_command(commands)
def requeue(workspace: Workspace, version: Version = None, as_json: AsJson = False) -> None:
    """Score the rows of SERVING.QUARANTINE that keep the contract now; each counts in SERVING.REQUEUED from then on.

    Correct a row by an UPDATE of SERVING.QUARANTINE that leaves its key alone, or by a contract that allows it. Rows
    whose key has a score are skipped. The loop is suspended meanwhile; if interrupted, run snowloop apply, then this
    again.

    Example: snowloop requeue --project credit_approval --target prod
    """
    from snowloop.lifecycle.scoring.reprocess import requeue as requeues

    done = requeues.requeue(workspace, version=version)
    text = (
        f"{done.requeued:,} of {done.looked_at:,} quarantined rows scored with {done.model_version}, run {done.run_id}"
    )
    show(done, text, as_json=as_json)


@workspace_command(commands)
def rollback(
    workspace: Workspace,
    wait: Annotated[
        int, typer.Option(min=0, help="Seconds to wait for scored rows, to verify their version; 0: none.")
    ] = 0,
    version: Annotated[
        str, typer.Option("--version", "-v", help="The version to return to, refused if it is not the one before.")
    ] = "",
    reason: Annotated[str, typer.Option(help="Why; it is recorded in OPS.LEDGER.")] = "",
    as_json: AsJson = False,
) -> None:
    """Make the previous champion serve again, from the next scoring run on.

    If it was trained with another features.sql, the scoring loop is deployed with that one, which is kept with it.

    Example: snowloop rollback --project credit_approval --target prod --reason "scores are too high" --wait 300
    """
    from snowloop.lifecycle.champion.rollback import verify_rollback
    from snowloop.lifecycle.delivery.roll_back import roll_back

    done = roll_back(workspace, version.strip() or None, reason.strip() or None)
    if not as_json:
        say(f"champion {done.to_version}, before: {done.from_version}")
        if done.deployed:
            say(f"the scoring loop was deployed with the features.sql of {done.to_version}: {done.deployed} steps")
        if done.note:
            say(done.note)
    verified = verify_rollback(workspace, done, timeout=wait) if wait else None
    if as_json:
        say(json.dumps({**done.to_dict(), "verified": verified.to_dict() if verified else None}, indent=2))
    elif verified:
        say(verified.message)
