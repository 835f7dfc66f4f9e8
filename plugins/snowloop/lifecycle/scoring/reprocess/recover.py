"""Recovers from a stream that is stale, gone, or read by another: a new one is made, lost rows are scored once."""

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from snowloop.errors import DeploymentError, ScoringError
from snowloop.lifecycle.data.contract import row_fails
from snowloop.lifecycle.results import Result
from snowloop.lifecycle.scoring.desired import stream_comment
from snowloop.lifecycle.scoring.names import Names, names, stream_mode, stream_name
from snowloop.lifecycle.scoring.observed import Found, find_loop, is_stale, unfinished_recovery
from snowloop.lifecycle.scoring.reprocess.shared import execute, paused, texts, turn, version_to_score
from snowloop.lifecycle.versions import show
from snowloop.project import Project
from snowloop.sql import identifier, render, run
from snowloop.workspace import Workspace

if TYPE_CHECKING:
    from snowflake.snowpark import Session

ROWS = "OPS.RECOVERY_ROWS"
STEPS = {"read": "ROWS_READ", "quarantined": "ROWS_QUARANTINED", "scored": "ROWS_SCORED"}
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
    """Replace a stream that is stale or gone, and score what was missed: rows beyond those that are known by key.

    Known are scored and quarantined rows and the baseline. OPS.RUNS holds a run of the kind ``recovery`` as RUNNING
    until what was missed is scored or quarantined, all of it in one transaction. Broken off anywhere, it is completed
    by recovering again; until then the root rests, and plan refuses. Two at once do the work once. A root that was
    suspended before stays so: apply starts it. Where corrections are declared, rows that were deleted meanwhile are
    found as well; values that were corrected meanwhile are not: a backfill scores them.

    Args:
        workspace: Session, project and environment.
        lost: Whether to look for missed rows although the stream can be read, such as those that another consumer took.

    Returns:
        What was done.

    Raises:
        ScoringError: if there is no champion, or features.sql does not give one row for each lost one.
        DeploymentError: if the loop never served here, the environment is of an earlier version, or a running graph
            does not come to its end.
        snowflake.snowpark.exceptions.SnowparkSQLException: if Snowflake refuses a statement.
    """
    project = workspace.project
    found, named = find_loop(workspace), names(project, workspace.target)
    _check(project, workspace.target, found)
    stream = found.streams.get(stream_name(project))
    if stream is not None and not is_stale(stream) and not found.recovery and not lost:
        return Recovery(recovered=False)
    version = version_to_score(workspace, None)
    run_id = _begin(workspace.session, workspace.project, named, version)
    # resumed only when all is done, and if it is known of which kind the stream was: apply sees to that
    with paused(workspace.session, named, resume=stream is not None, after_failure=False):
        replaced = _replace(workspace.session, project, named)
        return _score_missed(workspace, run_id, version, replaced=replaced)


def _check(project: Project, target: str, found: Found) -> None:
    database = project.database(target)
    if "SERVING.BASELINE" not in found.tables:
        message = f"the scoring loop never served in {database}: there is nothing to recover; run apply"
        raise DeploymentError(message)
    if ROWS not in found.tables:
        message = (
            f"{database} is of an earlier version, {ROWS} is not there: run the DAG {project.name}__environment for "
            f"target {target}, then recover again"
        )
        raise DeploymentError(message)


def _begin(session: "Session", project: Project, named: Names, version: str) -> str:
    """Note that a recovery runs, or take over the one that is noted: it was broken off, or another process does it."""
    with turn(session, named.database):
        begun = unfinished_recovery(session, named.database)
        if begun:
            return begun.run_id
        run_id = uuid.uuid4().hex
        note = {"kind": "recovery", "model_name": project.model_name, "state": "RUNNING", "version": version}
        counts = {"read": 0, "scored": 0, "quarantined": 0}
        run(session, "backfill/note_run.sql", database=named.database, run_id=run_id, **note, **counts)
    return run_id


def _replace(session: "Session", project: Project, named: Names) -> bool:
    """Make the stream anew if it cannot be read now; another process may have done so."""
    schema = identifier(named.database, "RAW")
    rows = show(session, f"SHOW STREAMS LIKE '{stream_name(project)}' IN SCHEMA {schema}")
    if rows and not is_stale(rows[0]):
        return False
    mode = str(rows[0]["mode"]) if rows else stream_mode(project)
    kind = {"corrections": mode == "DEFAULT", "comment": stream_comment(project)}
    run(session, "recover/new_stream.sql", stream=named.stream, table=named.table, **kind)
    return True


def _score_missed(workspace: Workspace, run_id: str, version: str, *, replaced: bool) -> Recovery:
    """Score what was missed and end the run, unless another process has done it and the stream is still the same."""
    session = workspace.session
    known = {"database": workspace.database, "run_id": run_id}
    rows = render("recover/rows.sql", columns=list(workspace.project.streamed.table_columns), **known)
    written = texts(workspace, stream=rows, row_id="S.SNOWLOOP_NUMBER")
    with turn(session, workspace.database):
        state = run(session, "recover/state.sql", **known)[0]
        done = {step: int(state[column]) for step, column in STEPS.items()}
        if state["STATE"] == "RUNNING" or replaced:
            _find_missed(workspace, run_id)
            counts = {step: execute(session, written[step], version=version, run_id=run_id) for step in STEPS}
            if counts["read"] != counts["quarantined"] + counts["scored"]:
                message = f"missed rows {counts}: features.sql must give one row for each; nothing was written"
                raise ScoringError(message)
            run(session, "recover/forget_rows.sql", **known)
            done = {step: done[step] + counts[step] for step in STEPS}
            run(session, "backfill/end_run.sql", version=version, **known, **done)
    return Recovery(True, "replaced" if replaced else "kept", done["read"], done["scored"], done["quarantined"])


def _find_missed(workspace: Workspace, run_id: str) -> None:
    """Note rows that were deleted meanwhile, where corrections are declared, and list those that were missed."""
    project = workspace.project
    named, corrections = names(project, workspace.target), project.serving.corrections
    values: dict[str, Any] = {
        "database": named.database,
        "run_id": run_id,
        "table": named.table,
        "stream": named.stream,
        "columns": list(project.streamed.table_columns),
        "key": project.key,
        "fails": row_fails(project),
        "corrections": corrections,
    }
    if corrections:
        run(workspace.session, "recover/missed_removals.sql", at_offset=True, **values)
    run(workspace.session, "recover/missed_rows.sql", **values)
