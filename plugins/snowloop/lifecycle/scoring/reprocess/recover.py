"""Recovers from a stream that is stale, missing, or read by another task: replaces it, and scores lost rows once."""

import uuid
from dataclasses import dataclass
from typing import Any

from snowloop.errors import DeploymentError, ScoringError
from snowloop.lifecycle.champion.fit import version_to_score
from snowloop.lifecycle.data.contract import row_fails
from snowloop.lifecycle.results import Result
from snowloop.lifecycle.scoring.desired import statement, stream_comment
from snowloop.lifecycle.scoring.names import names, stream_mode, stream_name
from snowloop.lifecycle.scoring.observed import ObservedState, is_stale, observe, unfinished_recovery
from snowloop.lifecycle.scoring.reprocess.shared import (
    QUERIES,
    ROWS,
    paused,
    scoring_lock,
    statement_values,
)
from snowloop.lifecycle.versions import show
from snowloop.sql import identifier, render
from snowloop.workspace import Workspace

TABLE = "OPS.RECOVERY_ROWS"
STATEMENTS = {"count_rows": "ROWS_READ", "quarantine_rows": "ROWS_QUARANTINED", "score_rows": "ROWS_SCORED"}
"""What is done with missed rows, in this order, and the column of OPS.RUNS that counts it."""


@dataclass(frozen=True)
class Recovery(Result):
    """What ``recover_loop`` did.

    Args:
        recovered: Whether there was something to look for.
        stream: ``replaced``, or ``kept`` because it can be read.
        rows: Rows that were missed.
        scored: Those that were scored.
        quarantined: Those that were quarantined.
    """

    recovered: bool
    stream: str = "kept"
    rows: int = 0
    scored: int = 0
    quarantined: int = 0


def recover_loop(workspace: Workspace, *, lost: bool = True) -> Recovery:
    """Replace a stream that is stale or missing, and score the missed rows: those that are not accounted for by key.

    Scored and quarantined rows and the baseline account for rows. OPS.RUNS holds a run of the kind ``recovery`` as
    RUNNING until all missed rows are scored or quarantined, in one transaction. After an interruption, recovering again
    completes it; until then the root stays suspended, and plan refuses. Two recoveries at once do the work once. A root
    that was suspended before stays suspended: apply starts it. Where corrections are declared, rows that were deleted
    meanwhile are recorded as well; values that were corrected meanwhile are not: a backfill scores them.

    Args:
        lost: Whether to look for missed rows although the stream can be read, such as those that another task consumed.

    Returns:
        What was done.

    Raises:
        ScoringError: if there is no champion, or features.sql does not give one row for each lost one.
        DeploymentError: if the loop never served here, the environment is of an earlier version, or a run of the graph
            does not end.
    """
    project, session = workspace.project, workspace.session
    named, observed = names(project, workspace.target), observe(workspace)
    _check(workspace, observed)
    stream = observed.streams.get(stream_name(project))
    if stream is not None and not is_stale(stream) and not observed.recovery and not lost:
        return Recovery(recovered=False)
    version = version_to_score(workspace, None)
    run_id = _begin(workspace, version)
    # resumed only when all is done, and only if the stream existed, so that its mode is known: apply does it otherwise
    with paused(session, named, resume=stream is not None, after_failure=False):
        replaced = _replace(workspace)
        return _score_missed(workspace, run_id, version, replaced=replaced)


def _check(workspace: Workspace, observed: ObservedState) -> None:
    database = workspace.database
    if "SERVING.BASELINE" not in observed.tables:
        message = f"the scoring loop never served in {database}: there is nothing to recover; run apply"
        raise DeploymentError(message)
    if TABLE not in observed.tables:
        message = (
            f"{database} is of an earlier version, {TABLE} does not exist: run the DAG "
            f"{workspace.project.name}__environment for target {workspace.target}, then recover again"
        )
        raise DeploymentError(message)


def _begin(workspace: Workspace, version: str) -> str:
    """Record that a recovery runs, or continue the recorded one: it was interrupted, or another process works on it."""
    with scoring_lock(workspace):
        unfinished = unfinished_recovery(workspace.session, workspace.database)
        if unfinished:
            return unfinished.run_id
        run_id = uuid.uuid4().hex
        record = {"kind": "recovery", "model_name": workspace.project.model_name, "state": "RUNNING"}
        counts = {"read": 0, "scored": 0, "quarantined": 0}
        workspace.run(f"{QUERIES}#record_run", run_id=run_id, version=version, **record, **counts)
    return run_id


def _replace(workspace: Workspace) -> bool:
    """Replace the stream if it cannot be read now; another process may have done so."""
    project, named = workspace.project, names(workspace.project, workspace.target)
    schema = identifier(named.database, "RAW")
    rows = show(workspace.session, f"SHOW STREAMS LIKE '{stream_name(project)}' IN SCHEMA {schema}")
    if rows and not is_stale(rows[0]):
        return False
    mode = str(rows[0]["mode"]) if rows else stream_mode(project)
    values = {"corrections": mode == "DEFAULT", "comment": stream_comment(project)}
    workspace.run("scoring/stream.sql#replace", stream=named.stream, table=named.table, **values)
    return True


def _score_missed(workspace: Workspace, run_id: str, version: str, *, replaced: bool) -> Recovery:
    """Score what was missed and finish the run, unless another process has done it and the stream is still the same."""
    session, columns = workspace.session, list(workspace.project.streamed.table_columns)
    rows = render(f"{ROWS}#missed_rows", database=workspace.database, columns=columns, run_id=run_id)
    values = statement_values(workspace, stream=rows, row_id="S.SNOWLOOP_NUMBER")
    with scoring_lock(workspace):
        state = workspace.run(f"{QUERIES}#run_state", run_id=run_id)[0]
        read, quarantined, scored = (int(state[column]) for column in STATEMENTS.values())
        if state["STATE"] == "RUNNING" or replaced:
            _find_missed(workspace, run_id)
            counts = [
                statement(name, values).count(session, run_id=run_id, model_version=version) for name in STATEMENTS
            ]
            if counts[0] != counts[1] + counts[2]:
                message = (
                    f"of {counts[0]} missed rows {counts[1]} were quarantined and {counts[2]} scored: features.sql "
                    "must give one row for each; nothing was written"
                )
                raise ScoringError(message)
            workspace.run(f"{QUERIES}#delete_missed_rows", run_id=run_id)
            read, quarantined, scored = read + counts[0], quarantined + counts[1], scored + counts[2]
            total = {"read": read, "scored": scored, "quarantined": quarantined}
            workspace.run(f"{QUERIES}#finish_run", version=version, run_id=run_id, **total)
    return Recovery(True, "replaced" if replaced else "kept", read, scored, quarantined)


def _find_missed(workspace: Workspace, run_id: str) -> None:
    """Record rows that were deleted meanwhile, where corrections are declared, and list those that were missed."""
    project, named = workspace.project, names(workspace.project, workspace.target)
    values: dict[str, Any] = {
        "run_id": run_id,
        "table": named.table,
        "stream": named.stream,
        "columns": list(project.streamed.table_columns),
        "key": project.key,
        "fails": row_fails(project),
        "corrections": project.serving.corrections,
    }
    if project.serving.corrections:
        workspace.run("scoring/reprocess/missed_rows.sql#record_deletions", at_offset=True, **values)
    workspace.run("scoring/reprocess/missed_rows.sql#list_rows", **values)
