"""Handler of the scoring procedure: each row in the stream is scored or quarantined, all of them in one transaction."""

import json
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from snowflake.snowpark import Session

from snowloop_procedures import lock, unscorable
from snowloop_procedures.challenger import CHALLENGER, Challenge
from snowloop_procedures.keys import name_keys
from snowloop_procedures.scoring_request import BatchLimit, ScoringRequest
from snowloop_procedures.versions import misfit, model_versions, training_set_of

CHAMPION = "CHAMPION"


@dataclass(frozen=True)
class Versions:
    """Which versions score in a run: looked up once, and used even if an alias moves meanwhile.

    Args:
        champion: Name of the version that serves.
        training_set: Fingerprint of the champion's training set; empty if it does not record it.
        challenger: The row of SHOW VERSIONS of the challenger; None if none is declared, or none has the alias.
    """

    champion: str
    training_set: str
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
        What was done, as a JSON object; ``waiting`` if nothing was, because rows wait for a joined source.

    Raises:
        RuntimeError: if there is no champion, it does not fit the deployed statements, the gate's verdict does not let
            it serve, its alias was moved by hand where that is refused, too many rows break the contract, or
            features.sql does not give one row for each row.
    """
    run_id, started_at = uuid.uuid4().hex, str(session.sql("SELECT SYSDATE()::VARCHAR").collect()[0][0])
    champion, challenge = None, None
    try:
        versions = scoring_versions(session, request)
        champion = versions.champion
        values = {"run_id": run_id, "model_version": champion, "started_at": started_at}
        values |= {"training_set": versions.training_set}
        problem = None
        if request.challenger and versions.challenger:
            challenge = Challenge(request, request.challenger, versions.challenger, values)
            problem = challenge.begin(session)
            challenge = None if problem else challenge
        done = _score(session, request, challenge, values)
        if challenge and "waiting" in done:
            challenge.forget(session)
        return json.dumps({**done, "challenger": {"error": problem}} if problem else done)
    except Exception as error:
        if challenge:
            _follow_up(error, lambda: challenge.forget(session))
        failed = {"run_id": run_id, "model_version": champion, "started_at": started_at, "error": str(error)}
        _follow_up(error, lambda: request.record_failure.execute(session, **failed))
        raise


def _waiting(session: Session, request: ScoringRequest) -> str:
    """For which joined sources new rows have to wait; empty if for none. All rows stay in the stream until then."""
    rows = request.waiting_rows.execute(session) if request.waiting_rows else []
    return "; ".join(f"{row['N']} new rows wait for {row['SOURCE']}, which is at {row['REACHED']}" for row in rows)


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
    registered = model_versions(session, request)
    by_alias = {alias: version for version in registered for alias in json.loads(version["aliases"] or "[]")}
    champion = by_alias.get(CHAMPION) or _recorded_champion(session, request, registered)
    problem = misfit(session, champion, request)
    if problem:
        raise RuntimeError(problem)
    challenger = by_alias.get(CHALLENGER)
    same = challenger is not None and challenger["name"] == champion["name"]
    return Versions(str(champion["name"]), training_set_of(champion), None if same else challenger)


def _recorded_champion(
    session: Session, request: ScoringRequest, registered: Sequence[dict[str, Any]]
) -> dict[str, Any]:
    """The ledger's last champion serves while no version has the alias, as between two statements of a promotion."""
    rows = request.recorded_champion.execute(session)
    name = str(rows[0]["TO_VERSION"]) if rows else None
    champion = next((version for version in registered if version["name"] == name), None)
    if champion is None:
        gone = f", and {name}, the last champion of OPS.LEDGER, is gone" if name else ""
        where = f"no version of {request.model} has the alias {CHAMPION}{gone}"
        message = f"{where}: run the train DAG until one is promoted"
        raise RuntimeError(message)
    return champion


def _score(
    session: Session, request: ScoringRequest, challenge: Challenge | None, values: dict[str, str]
) -> dict[str, Any]:
    """Quarantine, score and record the run: together, or not at all."""
    lock.acquire(session, request.lock, values["run_id"])
    try:
        waiting = _waiting(session, request)
        if waiting:
            session.sql("ROLLBACK").collect()
            return {"run_id": values["run_id"], "waiting": waiting}
        _check_champion(session, request, values["model_version"])
        if request.record_corrections:
            request.record_corrections.execute(session, **values)
        read = request.count_rows.count(session)
        quarantined = request.quarantine_rows.count(session, **values)
        if request.limit:
            _check_limit(session, request.limit, read, quarantined, values)
        challenger = challenge.score(session) if challenge else None
        rest = challenge.statements.score_rest if challenge and challenger and challenger["serves"] else None
        done = unscorable.score(session, rest or request.score_rows, request.unscorable, values)
        quarantined += done.unscorable
        if request.limit and done.unscorable:
            _check_limit(session, request.limit, read, quarantined, values)
        scored = done.scored + (challenger["rows"] if rest and challenger else 0)
        wrong = name_keys(request.keys_not_once.execute(session, **values))
        unscorable.forget(session, request.unscorable, values, done)
        if wrong:
            message = (
                f"of {read} new rows {quarantined} were quarantined and {scored} scored ({wrong}): features.sql must "
                "give exactly one row for each row of its source; nothing was written"
            )
            raise RuntimeError(message)
        if done.scored:
            request.count_bins.execute(session, **values)
        if rest and challenge:
            request.count_bins.execute(session, **{**values, **challenge.served})
        request.record_run.execute(session, **values, rows_read=read, rows_quarantined=quarantined, rows_scored=scored)
        session.sql("COMMIT").collect()
    except BaseException as error:
        _follow_up(error, lambda: session.sql("ROLLBACK").collect())
        raise
    run = {"run_id": values["run_id"], "model_version": values["model_version"]}
    counts = {"read": read, "quarantined": quarantined, "scored": scored}
    return {**run, **counts, **({"challenger": challenger} if challenger else {})}


def _check_champion(session: Session, request: ScoringRequest, champion: str) -> None:
    """Only what was judged serves, whoever gave it the alias."""
    reason = request.refusal.execute(session, version=champion)[0]["REASON"]
    if reason:
        message = (
            f"version {champion} of {request.model} must not serve: {reason}; nothing was written, the rows wait in "
            "the stream. Have the gate judge it, promote another version (both by the train DAG), or roll back"
        )
        raise RuntimeError(message)
    rows = request.recorded_champion.execute(session) if request.refuse_moved_by_hand else None
    if rows is not None and champion not in (rows[0][:2] if rows else ()):
        recorded = rows[0]["TO_VERSION"] if rows else "nobody"
        message = (
            f"the alias {CHAMPION} of {request.model} was moved by hand: {champion} has it, by OPS.LEDGER the champion "
            f"is {recorded}, and champion.moved_by_hand is refuse; nothing was written, the rows wait in the stream. "
            "Take it away, and the ledger's champion serves: "
            f"ALTER MODEL {request.model} VERSION {CHAMPION} UNSET ALIAS"
        )
        raise RuntimeError(message)


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
