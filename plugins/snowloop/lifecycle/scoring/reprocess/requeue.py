"""Scores quarantined rows once they are repaired: contract, score and mark in one transaction."""

import uuid
from dataclasses import dataclass

from snowloop.errors import ScoringError
from snowloop.lifecycle.champion.fit import version_to_score
from snowloop.lifecycle.deployment.schema_version import check_release
from snowloop.lifecycle.results import Result
from snowloop.lifecycle.scoring.desired import statement, unscorable_statements
from snowloop.lifecycle.scoring.names import names
from snowloop.lifecycle.scoring.reprocess.shared import (
    QUERIES,
    ROWS,
    check_judged,
    paused,
    scoring_lock,
    source_values,
    statement_values,
)
from snowloop.sql import render
from snowloop.workspace import Workspace
from snowloop_procedures.keys import name_keys
from snowloop_procedures.unscorable import forget, score


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

    Raises:
        PlanRefused: if a later release has made the environment.
        ScoringError: if the version cannot score, its verdict does not let it serve, or features.sql does not give one
            row for each.
    """
    check_release(workspace)
    session, project = workspace.session, workspace.project
    named, run_id = names(project, workspace.target), uuid.uuid4().hex
    scorer = version_to_score(workspace, version)
    name = scorer.name
    check_judged(workspace, name, "challenger" if version else "champion")
    rows = render(f"{ROWS}#quarantined_rows", database=named.database, **source_values(workspace))
    values = statement_values(workspace, scorer, stream=rows, row_id="S.SNOWLOOP_NUMBER", kind="requeue")
    with paused(session, named), scoring_lock(workspace):
        read = statement("count_rows", values).count(session)
        passing = statement("count_passing", values, QUERIES).count(session, run_id=run_id)
        run = {"run_id": run_id, "model_version": name, "training_set": scorer.training_set}
        unscorable = unscorable_statements(values)
        done = score(session, statement("score_rows", values), unscorable, run, quarantine=False)
        scored, passing = done.scored, passing - done.unscorable
        wrong = name_keys(statement("keys_not_once", values, QUERIES).execute(session, run_id=run_id))
        forget(session, unscorable, run, done)
        if wrong or scored != passing:
            raise ScoringError(
                f"{scored} scores for {passing} quarantined rows that pass now ({wrong}): features.sql of {name} must "
                "give exactly one row for each row of its source; nothing was written"
            )
        statement("count_bins", values).execute(session, **run)
        workspace.write(f"{QUERIES}#mark_requeued", rows=scored, key=project.row_key, run_id=run_id)
        if scored:
            record = {"kind": "requeue", "model_name": project.model_name, "state": "SUCCEEDED", "version": name}
            counts = {"read": scored, "scored": scored, "quarantined": 0}
            workspace.run(f"{QUERIES}#record_run", run_id=run_id, **record, **counts)
    return Requeue(run_id, name, read, scored)
