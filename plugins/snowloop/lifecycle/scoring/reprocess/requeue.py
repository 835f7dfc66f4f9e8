"""Scores quarantined rows once they are mended: contract, score and mark in one transaction."""

import uuid
from dataclasses import dataclass
from typing import Any

from snowloop.errors import ScoringError
from snowloop.lifecycle.results import Result
from snowloop.lifecycle.scoring.names import names
from snowloop.lifecycle.scoring.reprocess.shared import execute, paused, texts, turn, version_to_score
from snowloop.sql import render, run
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

    A row is mended by an UPDATE of SERVING.QUARANTINE, or by a contract that allows it. Its key must not be changed: a
    key that the source does not have is left. A key that has a score, or had one before the loop began, is left too,
    so that no row is scored twice. Where corrections are declared, a row is better mended in the source. The loop rests
    meanwhile.

    Args:
        workspace: Session, project and environment.
        version: Name or alias of the version; None: the champion.

    Returns:
        The counts.

    Raises:
        ScoringError: if the version cannot score, or features.sql does not give one row for each.
    """
    session, project = workspace.session, workspace.project
    named, run_id = names(project, workspace.target), uuid.uuid4().hex
    name = version_to_score(workspace, version)
    source: dict[str, Any] = {
        "database": named.database,
        "table": named.table,
        "columns": list(project.streamed.table_columns),
        "key": project.key,
        "corrections": project.serving.corrections,
    }
    rows = render("backfill/quarantined_rows.sql", **source)
    written = texts(workspace, stream=rows, row_id="S.SNOWLOOP_NUMBER")
    known = {"database": named.database, "run_id": run_id}
    with paused(session, named), turn(session, named.database):
        read, passing = execute(session, written["read"]), execute(session, written["passing"])
        scored = execute(session, written["scored"], version=name, run_id=run_id)
        most = int(run(session, "backfill/most_scores.sql", key=project.key, **known)[0]["N"])
        if scored != passing or most > 1:
            message = (
                f"{scored} scores for {passing} quarantined rows that pass now, up to {most} of one key: features.sql "
                "must give exactly one row for each row of its source; nothing was written"
            )
            raise ScoringError(message)
        run(session, "backfill/mark_requeued.sql", key=project.key, **known)
        if scored:
            note = {"kind": "requeue", "model_name": project.model_name, "state": "SUCCEEDED", "version": name}
            run(session, "backfill/note_run.sql", read=scored, scored=scored, quarantined=0, **note, **known)
    return Requeue(run_id, name, read, scored)
