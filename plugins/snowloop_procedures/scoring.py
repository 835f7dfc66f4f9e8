"""Handler of the scoring procedure: each row in the stream is scored or quarantined, all of them in one transaction."""

import json
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from snowflake.snowpark import Session

from snowloop_procedures import lock
from snowloop_procedures.challenger import CHALLENGER, Challenge
from snowloop_procedures.scoring_request import BatchLimit, ScoringRequest
from snowloop_procedures.versions import misfit, versions_by_alias

CHAMPION = "CHAMPION"
ATTEMPTS = 5


@dataclass(frozen=True)
class Versions:
    """Which versions score in a run: looked up once, and used even if an alias moves meanwhile.

    Args:
        champion: Name of the version that serves.
        challenger: The row of SHOW VERSIONS of the challenger; None if none is declared, or none has the alias.
    """

    champion: str
    challenger: dict[str, Any] | None = None


def run(session: Session) -> str:
    """Score the new rows as the staged request says; see ``score_new_rows``."""
    return score_new_rows(session, ScoringRequest.staged())


def score_new_rows(session: Session, request: ScoringRequest) -> str:
    """Score the new rows with the champion, and with its challenger if there is one; the stream may be empty.

    Args:
        session: The procedure's session.
        request: What was deployed: include/sql/scoring/score_new_rows.sql, rendered for the project.

    Returns:
        What was done, as a JSON object.

    Raises:
        RuntimeError: if there is no champion, it does not fit the deployed statements, too many rows break the
            contract, or features.sql does not give one row for each row.
    """
    run_id, started_at = uuid.uuid4().hex, str(session.sql("SELECT SYSDATE()::VARCHAR").collect()[0][0])
    champion, challenge = None, None
    try:
        versions = scoring_versions(session, request)
        champion = versions.champion
        values = {"run_id": run_id, "model_version": champion, "started_at": started_at}
        problem = None
        if request.challenger and versions.challenger:
            challenge = Challenge(request, request.challenger, versions.challenger, values)
            problem = challenge.begin(session)
            challenge = None if problem else challenge
        done = _score(session, request, challenge, values)
        return json.dumps({**done, "challenger": {"error": problem}} if problem else done)
    except Exception as error:
        if challenge:
            _follow_up(error, lambda: challenge.forget(session))
        failed = {"run_id": run_id, "model_version": champion, "started_at": started_at, "error": str(error)}
        _follow_up(error, lambda: request.record_failure.execute(session, **failed))
        raise


def _follow_up(error: BaseException, act: Callable[[], object]) -> None:
    """Do what follows a failure; if that fails too, the cause is still raised, with a note on the second failure."""
    try:
        act()
    except Exception as other:  # noqa: BLE001 - kept with the cause, which is raised
        error.add_note(f"and then: {other}")


def scoring_versions(session: Session, request: ScoringRequest) -> Versions:
    """The version that serves, which must fit the deployed statements, and its challenger.

    Args:
        session: The procedure's session.
        request: What was deployed.

    Returns:
        Both.

    Raises:
        RuntimeError: if there is no champion, or it does not fit.
    """
    for attempt in range(ATTEMPTS):
        if attempt:
            time.sleep(0.5)  # a promotion moves the alias in two statements
        by_alias = versions_by_alias(session, request)
        if CHAMPION not in by_alias:
            continue
        champion = by_alias[CHAMPION]
        problem = misfit(champion, request)
        if problem:
            raise RuntimeError(problem)
        challenger = by_alias.get(CHALLENGER)
        same = challenger is not None and challenger["name"] == champion["name"]
        return Versions(str(champion["name"]), None if same else challenger)
    message = f"no version of {request.model} has the alias {CHAMPION}: run the train DAG until one is promoted"
    raise RuntimeError(message)


def _score(
    session: Session, request: ScoringRequest, challenge: Challenge | None, values: dict[str, str]
) -> dict[str, Any]:
    """Quarantine, score and record the run: together, or not at all."""
    lock.acquire(session, request.lock, values["run_id"])
    try:
        if request.record_corrections:
            request.record_corrections.execute(session, **values)
        read = request.count_rows.count(session)
        quarantined = request.quarantine_rows.count(session, **values)
        if request.limit:
            _check_limit(session, request.limit, read, quarantined, values)
        challenger = challenge.score(session) if challenge else None
        rest = challenge.statements.score_rest if challenge and challenger and challenger["serves"] else None
        scored = (rest or request.score_rows).count(session, **values)
        scored += challenger["rows"] if rest and challenger else 0
        if read != quarantined + scored:
            message = (
                f"of {read} new rows {quarantined} were quarantined and {scored} scored: features.sql must give "
                "exactly one row for each row of its source; nothing was written"
            )
            raise RuntimeError(message)
        request.record_run.execute(session, **values, rows_read=read, rows_quarantined=quarantined, rows_scored=scored)
        session.sql("COMMIT").collect()
    except BaseException as error:
        _follow_up(error, lambda: session.sql("ROLLBACK").collect())
        raise
    done = {"run_id": values["run_id"], "model_version": values["model_version"]}
    counts = {"read": read, "quarantined": quarantined, "scored": scored}
    return {**done, **counts, **({"challenger": challenger} if challenger else {})}


def _check_limit(session: Session, limit: BatchLimit, read: int, quarantined: int, values: dict[str, str]) -> None:
    """Stop a batch of which too many rows break the contract: the rollback returns its rows to the stream."""
    if read < limit.rows or quarantined <= limit.share * read:
        return
    reasons = "; ".join(f"{row[1]} rows: {row[0]}" for row in limit.reasons.execute(session, **values))
    message = (
        f"{quarantined} of {read} new rows ({quarantined / read:.1%}) break the contract, contract.arriving allows "
        f"{limit.share:.1%} ({reasons}): nothing was written, the rows wait in the stream. Repair the next "
        "files, or loosen contract.arriving in project.yaml, and apply"
    )
    raise RuntimeError(message)
