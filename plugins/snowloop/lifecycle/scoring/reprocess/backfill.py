"""Scores rows of the source again with a chosen version: a run of its own, in batches, without touching the stream."""

import json
import uuid
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from snowloop.errors import ScoringError
from snowloop.lifecycle.data.contract import row_fails
from snowloop.lifecycle.features.point_in_time import render_features
from snowloop.lifecycle.provenance import content_hash
from snowloop.lifecycle.results import Result
from snowloop.lifecycle.scoring.names import names
from snowloop.lifecycle.scoring.reprocess.shared import execute, texts, transaction, version_to_score
from snowloop.sql import run, run_script
from snowloop.workspace import Workspace

if TYPE_CHECKING:
    from snowflake.snowpark import Session

READ_AT = "CONVERT_TIMEZONE('UTC', CURRENT_TIMESTAMP())::TIMESTAMP_NTZ"
"""When a batch's rows were read: a correction that the loop scores meanwhile must be the newer score."""


@dataclass(frozen=True)
class Rows:
    """Which rows are scored again; all that were scored before or were there before the loop, if nothing is given.

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
        scored: Rows scored, by this call and by those that it went on from.
        resumed_at: Batches that were done before this call.
        age_seconds: Age of what this call went on with; 0: it is new.
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

    Each batch and its progress commit together. A call that was killed is gone on with by the same call: one of the
    same ``run_id`` or, without it, the same request. It goes on with the version and the features.sql with which it was
    begun, or not at all. The stream and the loop are left alone; rows that wait in the stream are the loop's.

    Args:
        workspace: Session, project and environment.
        version: Name or alias of the version; None: the champion.
        rows: Which rows; None: all.
        batch_size: Greatest number of rows in one transaction.
        run_id: Name of the run; None: a new one, or that of an unfinished equal request.

    Returns:
        What was done; a run that was finished before is told, not done again.

    Raises:
        ScoringError: if the version cannot score, the batch size is below 1, a batch gives too many scores, or what was
            begun cannot be gone on with: with another request, champion or features.sql.
    """
    if batch_size < 1:
        message = f"a batch of {batch_size} rows does no work: give a batch size of at least 1"
        raise ScoringError(message)
    chosen = rows or Rows()
    chosen = replace(chosen, start=_utc(chosen.start), end=_utc(chosen.end))
    request = {"version": version, **asdict(chosen), "batch_size": batch_size}
    begun = _begun(workspace, request, run_id)
    if begun is not None and begun["FINISHED_AT"] is not None:
        return _told(begun, int(begun["BATCHES_DONE"]))
    name = version_to_score(workspace, version)
    features = content_hash(render_features(workspace.project, workspace.target, "SOURCE"))
    if begun is not None:
        _check(begun, name, features)
        return _go_on(workspace, begun)
    noted = json.dumps({**request, "features": features}, sort_keys=True)
    known = {"run_id": run_id or uuid.uuid4().hex, "request": noted, "version": name, "batch_size": batch_size}
    return _go_on(workspace, _begin(workspace, chosen, known))


def _begun(workspace: Workspace, request: dict[str, Any], run_id: str | None) -> dict[str, Any] | None:
    """The backfill of a run; without one, the newest of an equal request, if it is unfinished."""
    rows = run(workspace.session, "backfill/known.sql", database=workspace.database, run_id=run_id)
    found = [(row.as_dict(), _asked(row["REQUEST"])) for row in rows]
    if run_id is None:
        newest = next((row for row, asked in found if asked == request), None)
        return newest if newest and newest["FINISHED_AT"] is None else None
    if not found:
        return None
    row, asked = found[0]
    same_version = request["version"] in (asked.get("version"), row["MODEL_VERSION"])
    if not same_version or asked != {**request, "version": asked.get("version")}:
        message = f"the backfill {run_id} was begun with {asked}, not {request}: give another run id"
        raise ScoringError(message)
    return row


def _asked(request: str) -> dict[str, Any]:
    """What a stored request asked for."""
    return {name: value for name, value in json.loads(request).items() if name != "features"}


def _check(begun: dict[str, Any], name: str, features: str) -> None:
    """Refuse to go on with another version or other features, so that a run's scores are of one kind."""
    run_id, version = begun["RUN_ID"], begun["MODEL_VERSION"]
    what = (
        f"the backfill {run_id}, begun {int(begun['AGE']) / 3600:.1f} h ago and {begun['BATCHES_DONE']} of "
        f"{begun['BATCHES']} batches far,"
    )
    anew = "or give another run id, which begins anew: the newest score of a key counts"
    if version != name:
        message = f"{what} scores with {version}, not {name}: name version {version} and run id {run_id}, {anew}"
        raise ScoringError(message)
    if json.loads(begun["REQUEST"]).get("features") != features:
        message = f"{what} was begun with another features.sql: bring that one back to go on, {anew}"
        raise ScoringError(message)


def _utc(text: str | None) -> str | None:
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        message = f"'{text}' is no moment: give ISO text, such as 2026-01-31 or 2026-01-31T12:00:00+01:00"
        raise ScoringError(message) from error
    return (moment.astimezone(UTC) if moment.tzinfo else moment).replace(tzinfo=None).isoformat(sep=" ")


def _begin(workspace: Workspace, rows: Rows, known: dict[str, Any]) -> dict[str, Any]:
    """Decide which rows belong to which batch, once for all."""
    session, project = workspace.session, workspace.project
    source = {
        "table": names(project, workspace.target).table,
        "columns": list(project.streamed.table_columns),
        "key": project.key,
        "fails": row_fails(project),
        "event_time": project.streamed.event_time,
        "corrections": project.serving.corrections,
    }
    known = {"database": workspace.database, **known}
    note = {"kind": "backfill", "model_name": project.model_name, "state": "RUNNING"}
    with transaction(session):
        run(session, "backfill/list_keys.sql", **known, **source, **asdict(rows))
        run(session, "backfill/begin.sql", **known)
        run(session, "backfill/note_run.sql", **known, **note, read=0, scored=0, quarantined=0)
    return {**_now(session, known), "AGE": 0}


def _now(session: "Session", known: dict[str, Any]) -> dict[str, Any]:
    return run(session, "backfill/known.sql", **known)[0].as_dict()


def _go_on(workspace: Workspace, begun: dict[str, Any]) -> Backfill:
    session = workspace.session
    run_id, version, done = str(begun["RUN_ID"]), str(begun["MODEL_VERSION"]), int(begun["BATCHES_DONE"])
    known = {"database": workspace.database, "run_id": run_id}
    rows = {
        "arrivals": "backfill/checked_batch.sql",
        "table": names(workspace.project, workspace.target).table,
        "scored_at": READ_AT,
    }
    scored = texts(workspace, **rows)["scored"]
    for batch in range(done + 1, int(begun["BATCHES"]) + 1):
        _batch(session, known, scored, version, batch)
    with transaction(session):
        run_script(session, "backfill/finish.sql", **known)
        total = _now(session, known)
        counts = {"read": total["ROWS_TOTAL"], "scored": total["ROWS_SCORED"], "quarantined": 0}
        run(session, "backfill/end_run.sql", version=version, **known, **counts)
    return replace(_told(_now(session, known), done), age_seconds=int(begun["AGE"]))


def _told(row: dict[str, Any], done: int) -> Backfill:
    counts = {"rows": int(row["ROWS_TOTAL"]), "scored": int(row["ROWS_SCORED"])}
    return Backfill(row["RUN_ID"], row["MODEL_VERSION"], int(row["BATCHES"]), **counts, resumed_at=done)


def _batch(session: "Session", known: dict[str, Any], text: str, version: str, batch: int) -> None:
    """Score one batch and count it, together; another process that has done it meanwhile is no error."""
    expected = int(run(session, "backfill/batch_rows.sql", batch=batch, **known)[0]["N"])
    with transaction(session):
        if not run(session, "backfill/progress.sql", batch=batch, **known)[0][0]:
            return
        rows = execute(session, text, version=version, run_id=known["run_id"], batch=batch)
        if rows > expected:
            message = (
                f"batch {batch} of backfill {known['run_id']} gave {rows} scores for {expected} rows: features.sql "
                "must give exactly one row for each row of its source; nothing of the batch was written"
            )
            raise ScoringError(message)
        run(session, "backfill/count_batch.sql", rows=rows, **known)
