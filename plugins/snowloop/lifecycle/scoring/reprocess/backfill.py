"""Scores rows of the source again with a chosen version: a run of its own, in batches, without touching the stream."""

import json
import uuid
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Any

from snowloop.errors import ScoringError
from snowloop.lifecycle.champion.fit import Scorer, version_to_score
from snowloop.lifecycle.deployment.schema_version import check_release
from snowloop.lifecycle.results import Result
from snowloop.lifecycle.scoring.desired import statement, unscorable_statements
from snowloop.lifecycle.scoring.reprocess.shared import QUERIES, ROWS, check_judged, source_values, statement_values
from snowloop.workspace import Workspace
from snowloop_procedures.keys import name_keys
from snowloop_procedures.scoring_request import Statement, UnscorableStatements
from snowloop_procedures.unscorable import forget, score

READ_AT = "CONVERT_TIMEZONE('UTC', CURRENT_TIMESTAMP())::TIMESTAMP_NTZ"
"""When a batch's rows were read: the score of a correction that the loop scores meanwhile must be newer."""


@dataclass(frozen=True)
class Rows:
    """Which rows are scored again; by default all that were scored before, or were in the source before the loop.

    Args:
        start: Beginning of the period, ISO text in UTC: of the declared event time, or else of the scoring.
        end: End of the period, exclusive.
        first_key: Least value of the first key column.
        last_key: Greatest value of it, inclusive.
    """

    start: str | None = None
    end: str | None = None
    first_key: str | int | None = None
    last_key: str | int | None = None


@dataclass(frozen=True)
class Backfill(Result):
    """What ``backfill`` did.

    Args:
        run_id: The run, as SERVING.SCORED and OPS.RUNS have it.
        model_version: The version that scored.
        batches: Number of batches.
        rows: Rows that were to be scored.
        scored: Rows scored, by this call and by interrupted ones before it.
        resumed_at: Batches that were done before this call.
        age_seconds: Age of the backfill that this call resumed; 0: it is new.
    """

    run_id: str
    model_version: str
    batches: int
    rows: int
    scored: int
    resumed_at: int
    age_seconds: int = 0


def backfill(
    workspace: Workspace, *, version: str | None = None, rows: Rows | None = None,
    batch_size: int = 10_000, run_id: str | None = None,
) -> Backfill:  # fmt: skip
    """Score rows of the source again into SERVING.SCORED; the newest score of a key is in SERVING.LATEST_SCORES.

    Each batch and its progress commit together. The same call resumes one that was killed: a call with the same
    ``run_id`` or, without it, the same request. It resumes with the version with which it began, or not at all. The
    stream and the loop are left alone; rows in the stream are the loop's.

    Args:
        version: Name or alias of the version; None: the champion.
        rows: Which rows; None: all.
        batch_size: Greatest number of rows in one transaction.
        run_id: Name of the run; None: a new one, or that of an unfinished equal request.

    Returns:
        What was done; a run that was finished before is reported, not repeated.

    Raises:
        PlanRefused: if a later release has made the environment.
        ScoringError: if the version cannot score, the batch size is below 1, a batch gives too many scores, or the
            backfill cannot be resumed: it began with another request or champion.
    """
    check_release(workspace)
    if batch_size < 1:
        raise ScoringError(f"a batch of {batch_size} rows does no work: give a batch size of at least 1")
    chosen = rows or Rows()
    chosen = replace(chosen, start=_utc(chosen.start), end=_utc(chosen.end))
    request = {"version": version, **asdict(chosen), "batch_size": batch_size}
    unfinished = _find(workspace, request, run_id)
    if unfinished is not None and unfinished["FINISHED_AT"] is not None:
        return _result(unfinished, int(unfinished["BATCHES_DONE"]))
    scorer = version_to_score(workspace, version)
    check_judged(workspace, scorer.name, "challenger" if version else "champion")
    if unfinished is not None:
        _check(unfinished, scorer.name)
        return _resume(workspace, unfinished, scorer)
    text = json.dumps(request, sort_keys=True)
    record = {"run_id": run_id or uuid.uuid4().hex, "request": text, "version": scorer.name, "batch_size": batch_size}
    return _resume(workspace, _begin(workspace, chosen, record), scorer)


def _find(workspace: Workspace, request: dict[str, Any], run_id: str | None) -> dict[str, Any] | None:
    """The backfill of a run; without one, the newest of an equal request, if it is unfinished."""
    rows = workspace.run(f"{QUERIES}#find_backfills", run_id=run_id)
    backfills = [(row.as_dict(), json.loads(row["REQUEST"])) for row in rows]
    if run_id is None:
        newest = next((row for row, earlier in backfills if earlier == request), None)
        return newest if newest and newest["FINISHED_AT"] is None else None
    if not backfills:
        return None
    row, earlier = backfills[0]
    same_version = request["version"] in (earlier.get("version"), row["MODEL_VERSION"])
    if not same_version or earlier != {**request, "version": earlier.get("version")}:
        raise ScoringError(f"the backfill {run_id} began with {earlier}, not {request}: give another run id")
    return row


def _check(unfinished: dict[str, Any], name: str) -> None:
    """Refuse to resume with another version, so that a run's scores are of one kind."""
    run_id, version = unfinished["RUN_ID"], unfinished["MODEL_VERSION"]
    if version != name:
        raise ScoringError(
            f"the backfill {run_id}, begun {int(unfinished['AGE']) / 3600:.1f} h ago and {unfinished['BATCHES_DONE']} "
            f"of {unfinished['BATCHES']} batches far, scores with {version}, not {name}: name that version and run id "
            f"{run_id}, or give another run id, which starts again: the newest score of a key counts"
        )


def _utc(text: str | None) -> str | None:
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        message = f"'{text}' is not a time: give ISO text, such as 2026-01-31 or 2026-01-31T12:00:00+01:00"
        raise ScoringError(message) from error
    return (moment.astimezone(UTC) if moment.tzinfo else moment).replace(tzinfo=None).isoformat(sep=" ")


def _begin(workspace: Workspace, rows: Rows, record: dict[str, Any]) -> dict[str, Any]:
    """Assign the rows to batches, once for all."""
    project, run_id = workspace.project, record["run_id"]
    source = {**source_values(workspace), "event_time": project.streamed.event_time}
    run = {"run_id": run_id, "kind": "backfill", "model_name": project.model_name, "state": "RUNNING"}
    with workspace.transaction():
        workspace.run("scoring/reprocess/list_keys.sql", **record, **source, **asdict(rows))
        workspace.run(f"{QUERIES}#begin_backfill", **record)
        workspace.run(f"{QUERIES}#record_run", **run, version=record["version"], read=0, scored=0, quarantined=0)
    return {**_progress(workspace, run_id), "AGE": 0}


def _progress(workspace: Workspace, run_id: str) -> dict[str, Any]:
    return workspace.run(f"{QUERIES}#find_backfills", run_id=run_id)[0].as_dict()


def _resume(workspace: Workspace, unfinished: dict[str, Any], scorer: Scorer) -> Backfill:
    run_id, version = str(unfinished["RUN_ID"]), str(unfinished["MODEL_VERSION"])
    done = int(unfinished["BATCHES_DONE"])
    values = statement_values(
        workspace, scorer, checked_rows=f"{ROWS}#backfill_batch", scored_at=READ_AT, batched=True, kind="backfill"
    )
    score_rows, unscorable = statement("score_rows", values), unscorable_statements(values)
    after = (statement("keys_not_once", values, QUERIES), statement("count_bins", values))
    for batch in range(done + 1, int(unfinished["BATCHES"]) + 1):
        bound = {"run_id": run_id, "model_version": version, "training_set": scorer.training_set, "batch": batch}
        _batch(workspace, score_rows, unscorable, after, bound)
    with workspace.transaction():
        workspace.write(f"{QUERIES}#finish_backfill", rows=1, run_id=run_id)
        workspace.run(f"{QUERIES}#delete_backfill_keys", run_id=run_id)
        total = _progress(workspace, run_id)
        counts = {"read": total["ROWS_TOTAL"], "scored": total["ROWS_SCORED"], "quarantined": 0}
        workspace.write(f"{QUERIES}#finish_run", rows=1, run_id=run_id, version=version, **counts)
    return replace(_result(_progress(workspace, run_id), done), age_seconds=int(unfinished["AGE"]))


def _result(row: dict[str, Any], done: int) -> Backfill:
    counts = {"rows": int(row["ROWS_TOTAL"]), "scored": int(row["ROWS_SCORED"])}
    return Backfill(row["RUN_ID"], row["MODEL_VERSION"], int(row["BATCHES"]), **counts, resumed_at=done)


def _batch(
    workspace: Workspace,
    score_rows: Statement,
    unscorable: UnscorableStatements,
    after: tuple[Statement, Statement],
    values: dict[str, Any],
) -> None:
    """Score one batch and record its progress, together; if another process has done it meanwhile, do nothing.

    ``after`` names keys without exactly one score, and counts the rows in the bins of the baseline.
    """
    not_once, count_bins = after
    run_id, batch = values["run_id"], values["batch"]
    expected = int(workspace.run(f"{QUERIES}#count_batch_rows", batch=batch, run_id=run_id)[0]["N"])
    with workspace.transaction():
        if not workspace.run(f"{QUERIES}#finish_batch", batch=batch, run_id=run_id)[0][0]:
            return
        done = score(workspace.session, score_rows, unscorable, values, quarantine=False)
        wrong, rows = name_keys(not_once.execute(workspace.session, **values)), done.scored
        forget(workspace.session, unscorable, values, done)
        if wrong or rows > expected:
            raise ScoringError(
                f"batch {batch} of backfill {run_id} gave {rows} scores, but not one for each row ({wrong}): "
                f"features.sql of {values['model_version']} must give exactly one row for each row of its source; "
                "nothing of the batch was written"
            )
        count_bins.execute(workspace.session, **values)
        workspace.run(f"{QUERIES}#add_scored", rows=rows, run_id=run_id)
