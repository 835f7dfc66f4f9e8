"""Scores rows of the source again with a chosen version: a run of its own, in batches, without touching the stream."""

import json
import uuid
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Any

from snowloop.errors import ScoringError
from snowloop.lifecycle.champion.fit import version_to_score
from snowloop.lifecycle.data.contract import row_fails
from snowloop.lifecycle.features.point_in_time import render_features
from snowloop.lifecycle.provenance import content_hash
from snowloop.lifecycle.results import Result
from snowloop.lifecycle.scoring.desired import statement
from snowloop.lifecycle.scoring.names import names
from snowloop.lifecycle.scoring.reprocess.shared import QUERIES, ROWS, statement_values
from snowloop.workspace import Workspace
from snowloop_procedures.scoring_request import Statement

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
    ``run_id`` or, without it, the same request. It resumes with the version and the features.sql with which it began,
    or not at all. The stream and the loop are left alone; rows in the stream are the loop's.

    Args:
        version: Name or alias of the version; None: the champion.
        rows: Which rows; None: all.
        batch_size: Greatest number of rows in one transaction.
        run_id: Name of the run; None: a new one, or that of an unfinished equal request.

    Returns:
        What was done; a run that was finished before is reported, not repeated.

    Raises:
        ScoringError: if the version cannot score, the batch size is below 1, a batch gives too many scores, or the
            backfill cannot be resumed: it began with another request, champion or features.sql.
    """
    if batch_size < 1:
        message = f"a batch of {batch_size} rows does no work: give a batch size of at least 1"
        raise ScoringError(message)
    chosen = rows or Rows()
    chosen = replace(chosen, start=_utc(chosen.start), end=_utc(chosen.end))
    request = {"version": version, **asdict(chosen), "batch_size": batch_size}
    unfinished = _find(workspace, request, run_id)
    if unfinished is not None and unfinished["FINISHED_AT"] is not None:
        return _result(unfinished, int(unfinished["BATCHES_DONE"]))
    name = version_to_score(workspace, version)
    features = content_hash(render_features(workspace.project, workspace.target, "SOURCE"))
    if unfinished is not None:
        _check(unfinished, name, features)
        return _resume(workspace, unfinished)
    text = json.dumps({**request, "features": features}, sort_keys=True)
    record = {"run_id": run_id or uuid.uuid4().hex, "request": text, "version": name, "batch_size": batch_size}
    return _resume(workspace, _begin(workspace, chosen, record))


def _find(workspace: Workspace, request: dict[str, Any], run_id: str | None) -> dict[str, Any] | None:
    """The backfill of a run; without one, the newest of an equal request, if it is unfinished."""
    rows = workspace.run(f"{QUERIES}#find_backfills", run_id=run_id)
    backfills = [(row.as_dict(), _request(row["REQUEST"])) for row in rows]
    if run_id is None:
        newest = next((row for row, earlier in backfills if earlier == request), None)
        return newest if newest and newest["FINISHED_AT"] is None else None
    if not backfills:
        return None
    row, earlier = backfills[0]
    same_version = request["version"] in (earlier.get("version"), row["MODEL_VERSION"])
    if not same_version or earlier != {**request, "version": earlier.get("version")}:
        message = f"the backfill {run_id} began with {earlier}, not {request}: give another run id"
        raise ScoringError(message)
    return row


def _request(text: str) -> dict[str, Any]:
    """What a stored request asks for."""
    return {name: value for name, value in json.loads(text).items() if name != "features"}


def _check(unfinished: dict[str, Any], name: str, features: str) -> None:
    """Refuse to resume with another version or other features, so that a run's scores are of one kind."""
    run_id, version = unfinished["RUN_ID"], unfinished["MODEL_VERSION"]
    progress = (
        f"the backfill {run_id}, begun {int(unfinished['AGE']) / 3600:.1f} h ago and {unfinished['BATCHES_DONE']} of "
        f"{unfinished['BATCHES']} batches far,"
    )
    otherwise = "or give another run id, which starts again: the newest score of a key counts"
    if version != name:
        message = f"{progress} scores with {version}, not {name}: name that version and run id {run_id}, {otherwise}"
        raise ScoringError(message)
    if json.loads(unfinished["REQUEST"]).get("features") != features:
        message = f"{progress} began with another features.sql: restore that one to resume it, {otherwise}"
        raise ScoringError(message)


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
    source = {
        "table": names(project, workspace.target).table,
        "columns": list(project.streamed.table_columns),
        "key": project.key,
        "fails": row_fails(project),
        "event_time": project.streamed.event_time,
        "corrections": project.serving.corrections,
    }
    run = {"run_id": run_id, "kind": "backfill", "model_name": project.model_name, "state": "RUNNING"}
    with workspace.transaction():
        workspace.run("scoring/reprocess/list_keys.sql", **record, **source, **asdict(rows))
        workspace.run(f"{QUERIES}#begin_backfill", **record)
        workspace.run(f"{QUERIES}#record_run", **run, version=record["version"], read=0, scored=0, quarantined=0)
    return {**_progress(workspace, run_id), "AGE": 0}


def _progress(workspace: Workspace, run_id: str) -> dict[str, Any]:
    return workspace.run(f"{QUERIES}#find_backfills", run_id=run_id)[0].as_dict()


def _resume(workspace: Workspace, unfinished: dict[str, Any]) -> Backfill:
    run_id, version = str(unfinished["RUN_ID"]), str(unfinished["MODEL_VERSION"])
    done = int(unfinished["BATCHES_DONE"])
    values = statement_values(workspace, checked_rows=f"{ROWS}#backfill_batch", scored_at=READ_AT)
    score_rows = statement("score_rows", values)
    for batch in range(done + 1, int(unfinished["BATCHES"]) + 1):
        _batch(workspace, score_rows, run_id, version, batch)
    with workspace.transaction():
        workspace.run(f"{QUERIES}#finish_backfill", run_id=run_id)
        workspace.run(f"{QUERIES}#delete_backfill_keys", run_id=run_id)
        total = _progress(workspace, run_id)
        counts = {"read": total["ROWS_TOTAL"], "scored": total["ROWS_SCORED"], "quarantined": 0}
        workspace.run(f"{QUERIES}#finish_run", run_id=run_id, version=version, **counts)
    return replace(_result(_progress(workspace, run_id), done), age_seconds=int(unfinished["AGE"]))


def _result(row: dict[str, Any], done: int) -> Backfill:
    counts = {"rows": int(row["ROWS_TOTAL"]), "scored": int(row["ROWS_SCORED"])}
    return Backfill(row["RUN_ID"], row["MODEL_VERSION"], int(row["BATCHES"]), **counts, resumed_at=done)


def _batch(workspace: Workspace, score_rows: Statement, run_id: str, version: str, batch: int) -> None:
    """Score one batch and record its progress, together; if another process has done it meanwhile, do nothing."""
    expected = int(workspace.run(f"{QUERIES}#count_batch_rows", batch=batch, run_id=run_id)[0]["N"])
    with workspace.transaction():
        if not workspace.run(f"{QUERIES}#finish_batch", batch=batch, run_id=run_id)[0][0]:
            return
        rows = score_rows.count(workspace.session, run_id=run_id, model_version=version, batch=batch)
        if rows > expected:
            message = (
                f"batch {batch} of backfill {run_id} gave {rows} scores for {expected} rows: features.sql must give "
                "exactly one row for each row of its source; nothing of the batch was written"
            )
            raise ScoringError(message)
        workspace.run(f"{QUERIES}#add_scored", rows=rows, run_id=run_id)
