"""Recovers from a stream that is stale, missing, or read by another task: replaces it, and scores lost rows once."""

import uuid
from dataclasses import dataclass

from snowloop.errors import DeploymentError, ScoringError
from snowloop.lifecycle.champion.fit import Scorer, version_to_score
from snowloop.lifecycle.data.tables import FoundTable, find_table, problems
from snowloop.lifecycle.deployment.schema_version import check_release
from snowloop.lifecycle.results import Result
from snowloop.lifecycle.scoring.desired import statement, stream_comment, unscorable_statements
from snowloop.lifecycle.scoring.names import names, stream_mode, stream_name
from snowloop.lifecycle.scoring.observed import ObservedState, is_stale, observe, unfinished_recovery
from snowloop.lifecycle.scoring.reprocess.shared import (
    QUERIES,
    ROWS,
    check_judged,
    paused,
    scoring_lock,
    source_values,
    statement_values,
)
from snowloop.lifecycle.versions import show
from snowloop.sql import identifier, render
from snowloop.workspace import Workspace
from snowloop_procedures.keys import name_keys
from snowloop_procedures.unscorable import forget, score

TABLE = "OPS.RECOVERY_ROWS"
COUNTED = ("ROWS_READ", "ROWS_QUARANTINED", "ROWS_SCORED")
"""Columns of OPS.RUNS that count the missed rows."""


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
        PlanRefused: if a later release has made the environment.
        ScoringError: if there is no champion, or features.sql does not give one row for each lost one.
        DeploymentError: if the loop never served here, the environment is of an earlier version, or a run of the graph
            does not end.
    """
    check_release(workspace)
    project, session = workspace.project, workspace.session
    named, observed = names(project, workspace.target), observe(workspace)
    _check(workspace, observed)
    stream = observed.streams.get(stream_name(project))
    if stream is not None and not is_stale(stream) and not observed.recovery and not lost:
        return Recovery(recovered=False)
    scorer = version_to_score(workspace, None)
    check_judged(workspace, scorer.name, "champion")
    run_id = _begin(workspace, scorer.name)
    # resumed only when all is done, and only if the stream existed, so that its mode is known: apply does it otherwise
    with paused(session, named, resume=stream is not None, after_failure=False):
        replaced = _replace(workspace)
        return _score_missed(workspace, run_id, scorer, replaced=replaced)


def _check(workspace: Workspace, observed: ObservedState) -> None:
    database = workspace.database
    if "SERVING.BASELINE" not in observed.tables:
        raise DeploymentError(f"the scoring loop never served in {database}: there is nothing to recover; run apply")
    if TABLE not in observed.tables:
        raise DeploymentError(
            f"{database} is of an earlier version, {TABLE} does not exist: run the DAG "
            f"{workspace.project.name}__environment for target {workspace.target}, then recover again"
        )


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
    found = find_table(workspace, project.streamed) or FoundTable()
    for problem in problems(found):
        raise DeploymentError(f"{named.stream} cannot be replaced: {problem.reason}; to do: {problem.remedy}")
    values = {"corrections": mode == "DEFAULT", "comment": stream_comment(project), "kind": found.kind}
    workspace.run("scoring/stream.sql#replace", stream=named.stream, source=named.source, **values)
    return True


def _score_missed(workspace: Workspace, run_id: str, scorer: Scorer, *, replaced: bool) -> Recovery:
    """Score what was missed and finish the run, unless another process has done it and the stream is still the same."""
    session, columns, version = workspace.session, list(workspace.project.streamed.table_columns), scorer.name
    rows = render(f"{ROWS}#missed_rows", database=workspace.database, columns=columns, run_id=run_id)
    values = statement_values(workspace, scorer, stream=rows, row_id="S.SNOWLOOP_NUMBER", kind="recovery")
    with scoring_lock(workspace):
        state = workspace.run(f"{QUERIES}#run_state", run_id=run_id)[0]
        read, quarantined, scored = (int(state[column]) for column in COUNTED)
        if state["STATE"] == "RUNNING" or replaced:
            _find_missed(workspace, run_id)
            run = {"run_id": run_id, "model_version": version, "training_set": scorer.training_set}
            unscorable = unscorable_statements(values)
            counts = [statement(name, values).count(session, **run) for name in ("count_rows", "quarantine_rows")]
            done = score(session, statement("score_rows", values), unscorable, run)
            counts = [counts[0], counts[1] + done.unscorable, done.scored]
            wrong = name_keys(statement("keys_not_once", values, QUERIES).execute(session, run_id=run_id))
            forget(session, unscorable, run, done)
            if wrong or counts[0] != counts[1] + counts[2]:
                raise ScoringError(
                    f"of {counts[0]} missed rows {counts[1]} were quarantined and {counts[2]} scored ({wrong}): "
                    f"features.sql of {version} must give exactly one row for each; nothing was written"
                )
            statement("count_bins", values).execute(session, **run)
            workspace.run(f"{QUERIES}#delete_missed_rows", run_id=run_id)
            read, quarantined, scored = read + counts[0], quarantined + counts[1], scored + counts[2]
            total = {"read": read, "scored": scored, "quarantined": quarantined}
            workspace.write(f"{QUERIES}#finish_run", rows=1, version=version, run_id=run_id, **total)
    return Recovery(True, "replaced" if replaced else "kept", read, scored, quarantined)


def _find_missed(workspace: Workspace, run_id: str) -> None:
    """Record rows that were deleted meanwhile, where corrections are declared, and list those that were missed."""
    values = {**source_values(workspace), "run_id": run_id}
    if values["corrections"]:
        workspace.run("scoring/reprocess/missed_rows.sql#record_deletions", up_to_offset=True, **values)
    workspace.run("scoring/reprocess/missed_rows.sql#list_rows", **values)
