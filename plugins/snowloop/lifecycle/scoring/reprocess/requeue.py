"""Scores quarantined rows once they are repaired: contract, score and mark in one transaction."""

import uuid
from dataclasses import dataclass

from snowloop.errors import ScoringError
from snowloop.lifecycle.champion.fit import version_to_score
from snowloop.lifecycle.results import Result
from snowloop.lifecycle.scoring.desired import statement
from snowloop.lifecycle.scoring.names import names
from snowloop.lifecycle.scoring.reprocess.shared import (
    QUERIES,
    ROWS,
    paused,
    scoring_lock,
    statement_values,
)
from snowloop.sql import render
from snowloop.workspace import Workspace


@dataclass(frozen=True)
class Requeue(Result):
    """What ``requeue`` did.

    Args:
        run_id: The run, as SERVING.SCORED, SERVING.REQUEUED and OPS.RUNS have it.
        model_version: The version that scored.
        looked_at: Quarantined rows.
        requeued: Rows that pass now and were scored.
    """

    run_id: str
    model_version: str
    looked_at: int
    requeued: int


def requeue(workspace: Workspace, *, version: str | None = None) -> Requeue:
    """Score the quarantined rows that keep the contract now, and mark them in SERVING.REQUEUED.

    A row is repaired by an UPDATE of SERVING.QUARANTINE, or by a contract that allows it. Its key must not be changed:
    a key that the source does not have is skipped. A key that has a score, or had one before the loop began, is skipped
    too, so that no row is scored twice. Where corrections are declared, it is better to repair the row in the source.
    The loop is paused meanwhile.

    Args:
        version: Name or alias of the version; None: the champion.

    Returns:
        The counts.

    Raises:
        ScoringError: if the version cannot score, or features.sql does not give one row for each.
    """
    session, project = workspace.session, workspace.project
    named, run_id = names(project, workspace.target), uuid.uuid4().hex
    name = version_to_score(workspace, version)
    rows = render(
        f"{ROWS}#quarantined_rows",
        database=named.database,
        table=named.table,
        columns=list(project.streamed.table_columns),
        key=project.key,
        corrections=project.serving.corrections,
    )
    values = statement_values(workspace, stream=rows, row_id="S.SNOWLOOP_NUMBER")
    with paused(session, named), scoring_lock(workspace):
        read = statement("count_rows", values).count(session)
        passing = statement("count_passing", values, QUERIES).count(session, run_id=run_id)
        scored = statement("score_rows", values).count(session, run_id=run_id, model_version=name)
        most = int(workspace.run(f"{QUERIES}#most_scores_of_a_key", key=project.key, run_id=run_id)[0]["N"])
        if scored != passing or most > 1:
            message = (
                f"{scored} scores for {passing} quarantined rows that pass now, up to {most} of one key: features.sql "
                "must give exactly one row for each row of its source; nothing was written"
            )
            raise ScoringError(message)
        workspace.run(f"{QUERIES}#mark_requeued", key=project.key, run_id=run_id)
        if scored:
            record = {"kind": "requeue", "model_name": project.model_name, "state": "SUCCEEDED", "version": name}
            counts = {"read": scored, "scored": scored, "quarantined": 0}
            workspace.run(f"{QUERIES}#record_run", run_id=run_id, **record, **counts)
    return Requeue(run_id, name, read, scored)
