"""Rollback: the champion before this one becomes champion again, and its next rows are verified."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from snowloop.errors import RollbackError, ScoringError
from snowloop.lifecycle.champion import ledger
from snowloop.lifecycle.champion.fit import Scorer, champion_formula, check_formula, version_to_score
from snowloop.lifecycle.champion.standing import refusal
from snowloop.lifecycle.features.formula import Formula
from snowloop.lifecycle.features.point_in_time import declared_formula
from snowloop.lifecycle.model_files import changed_files, recorded_files
from snowloop.lifecycle.results import Result
from snowloop.lifecycle.versions import CHAMPION, Version, aliased, challenger, lost_alias, set_champion, versions
from snowloop.workspace import Workspace

POLL_SECONDS = 1.0


@dataclass(frozen=True)
class Rollback(Result):
    """What was rolled back.

    Args:
        from_version: The champion before.
        to_version: The champion now.
        done_at: When, by Snowflake's clock in UTC: runs that began later score with it.
        features_changed: Whether it was trained with another features.sql than the champion before, so that the loop
            is deployed again.
        deployed: Number of statements and uploads by which the loop was deployed with its features.sql.
        note: What a person has to know: that the checkout has another features.sql.
    """

    from_version: str
    to_version: str
    done_at: str = ""
    features_changed: bool = False
    deployed: int = 0
    note: str = ""


@dataclass(frozen=True)
class Verified(Result):
    """The rows that were scored since a rollback.

    Args:
        version: The champion.
        rows: Rows that carry it.
        message: The outcome for people.
    """

    version: str
    rows: int
    message: str


def rollback(
    workspace: Workspace,
    version: str | None = None,
    reason: str | None = None,
    *,
    before_other_features: Callable[[Scorer], None] | None = None,
) -> Rollback:
    """Return to the champion before the one that serves; the next scoring run serves it.

    The version that serves decides, not the ledger alone: a missing entry is written first. Of a change that was
    interrupted, a rollback is completed, and a promotion is undone.

    Args:
        version: The version that is expected to serve then; None: whichever it is.
        reason: Why, for the ledger.
        before_other_features: Called with the version, before anything is changed, if the loop has to be deployed with
            another features.sql afterwards, to refuse that; None: only a version of the champion's or the project's is
            returned to.

    Returns:
        Both versions.

    Raises:
        RollbackError: if the ledger has no earlier champion, or another one than ``version``, its version is gone, it
            cannot score the source as it is now, its features.sql cannot be deployed, no verdict lets it serve, or its
            files are not those with which it was champion.
        DeliveryError: if its files cannot be read.
    """
    existing = versions(workspace)
    now = aliased(existing, CHAMPION)
    serving = now.name if now else None
    interrupted = ledger.interrupted_change(ledger.entries(workspace), serving)
    deployed = champion_formula(workspace)
    if interrupted is not None and interrupted.action == ledger.ROLLBACK:
        _check_expected(workspace, version, str(interrupted.to_version), str(interrupted.from_version))
        _check_files(workspace, str(interrupted.to_version), interrupted.files)
        return _set_champion(workspace, str(interrupted.from_version), str(interrupted.to_version), deployed)
    history = ledger.entries(workspace) if interrupted else ledger.record_observed_champion(workspace, serving)
    champions = ledger.champion_history(history)
    if len(champions) < 2:
        first = f"{champions[-1]} is the first" if champions else "none was ever promoted"
        message = f"{workspace.database}.OPS.LEDGER knows no earlier champion: {first}; promote another version instead"
        raise RollbackError(message)
    previous, last = champions[-2], champions[-1]
    _check_expected(workspace, version, previous, last)
    alias_lost = lost_alias(_usable(workspace, existing, (previous, last), deployed, before_other_features))
    promoted = next(
        each for each in reversed(history) if each.action in ledger.CHAMPION_CHANGES and each.to_version == previous
    )
    facts = (promoted.verdict_id, promoted.training_set)
    files = ledger.promoted_files(history, previous) or recorded_files(workspace).get(previous)
    _check_files(workspace, previous, files)
    reference = ledger.reference_after(history, ledger.ROLLBACK, previous)
    reasons = "; ".join(filter(None, (reason, alias_lost))) or None
    change = ledger.Change(ledger.ROLLBACK, last, previous, *facts, reason=reasons, reference=reference, files=files)
    ledger.append(workspace, change)
    return _set_champion(workspace, last, previous, deployed)


def _check_expected(workspace: Workspace, version: str | None, previous: str, now: str) -> None:
    if version is not None and version.upper() != previous.upper():
        where = f"{workspace.database}.OPS.LEDGER"
        message = f"the champion before {now} in {where} is {previous}, not {version}: name that one, or none"
        raise RollbackError(message)


def _check_files(workspace: Workspace, version: str, recorded: str | None) -> None:
    changed = changed_files(workspace, version, recorded)
    if changed:
        message = f"there is no way back to {version}: {changed}; or promote another version"
        raise RollbackError(message)


def _set_champion(workspace: Workspace, before: str, version: str, deployed: Formula | None) -> Rollback:
    set_champion(workspace, version)
    at = str(workspace.session.sql("SELECT SYSDATE()::VARCHAR AS AT").collect()[0][0])
    now = champion_formula(workspace)
    return Rollback(before, version, at, deployed is None or now is None or deployed.digest != now.digest)


def _usable(
    workspace: Workspace,
    existing: Sequence[Version],
    champions: tuple[str, str],
    deployed: Formula | None,
    before_other_features: Callable[[Scorer], None] | None,
) -> Version:
    """The version to return to; one that cannot score the rows which arrive must not serve."""
    previous, now = champions
    chosen = next((version for version in existing if version.name == previous), None)
    if chosen is None:
        where = f"{workspace.database}.MODELS.{workspace.project.model_name}"
        message = f"version {previous}, champion before {now}, is gone from {where}: promote another version instead"
        raise RollbackError(message)
    try:
        scorer = version_to_score(workspace, previous)
        if deployed is not None and deployed.digest == scorer.formula.digest:
            pass  # the loop goes on as it is
        elif deployed is not None and before_other_features is not None:
            before_other_features(scorer)
        else:
            to_do = "put that features.sql back, roll back again, and run snowloop apply, which deploys it"
            check_formula(scorer, declared_formula(workspace.project), "the project", to_do)
    except ScoringError as error:
        message = (
            f"there is no way back to {previous}, champion before {now}, unless features.sql and the label of its time "
            f"are put back; or promote another version: {error}"
        )
        raise RollbackError(message) from error
    reason = refusal(workspace, previous, "champion", expire=workspace.project.champion.expired_override == "refuse")
    if reason["REASON"]:
        message = (
            f"there is no way back to {previous}, champion before {now}: {reason['REASON']}, so the loop would not "
            f"score with it; promote another version, by {workspace.project.name}__train"
        )
        raise RollbackError(message)
    return chosen


def verify_rollback(workspace: Workspace, done: Rollback, *, timeout: float, poll: float = POLL_SECONDS) -> Verified:
    """Wait for the next scoring run after a rollback, and verify that its rows carry the version.

    Rows of a canary may carry the challenger instead.

    Args:
        done: The rollback.
        timeout: Longest wait in seconds.
        poll: Seconds between two queries.

    Returns:
        How many rows carry the version; 0 if none were scored in time.

    Raises:
        RollbackError: if rows carry another version, or the runs since then failed.
    """
    started = time.monotonic()
    while True:
        runs = workspace.run("champion/queries.sql#scored_since", since=done.done_at)
        canary = challenger(workspace)
        _check_versions({str(row["MODEL_VERSION"]): int(row["N"]) for row in runs if row["N"]}, done, canary)
        rows = sum(int(row["N"]) for row in runs if row["MODEL_VERSION"] == done.to_version)
        if rows:
            return Verified(done.to_version, rows, f"{rows} rows scored since the rollback carry {done.to_version}")
        if time.monotonic() - started >= timeout:
            break
        time.sleep(poll)
    errors = [str(row["ERROR"]) for row in runs if row["STATE"] == "FAILED"]
    if errors:
        message = f"{done.to_version} is champion again, and no run since has scored: {errors[-1]}"
        raise RollbackError(message)
    message = f"no row was scored within {timeout:g} s: the next run, when rows arrive, scores with {done.to_version}"
    return Verified(done.to_version, 0, message)


def _check_versions(rows_by_version: dict[str, int], done: Rollback, canary: Version | None) -> None:
    allowed = {done.to_version, canary.name if canary else None}
    others = {version: rows for version, rows in rows_by_version.items() if version not in allowed}
    if others:
        counts = ", ".join(f"{rows} of {version}" for version, rows in others.items())
        message = (
            f"{done.to_version} has been champion again since {done.done_at} UTC, but rows scored by runs since then "
            f"are {counts}: look who moved the alias CHAMPION (OPS.LEDGER), and roll back again"
        )
        raise RollbackError(message)
