"""OPS.LEDGER, append-only: which version became champion or challenger when, after which one, and who decided."""

import hashlib
import json
from dataclasses import asdict, dataclass, replace
from datetime import datetime

from snowloop.lifecycle.champion.approval import Approval
from snowloop.lifecycle.gate.verdict import Origin, Override
from snowloop.lifecycle.provenance import git_commit, lock_hash
from snowloop.sql import clock
from snowloop.workspace import Workspace

PROMOTE, ROLLBACK = "promote", "rollback"
CHALLENGE, WITHDRAW = "challenge", "withdraw"
RESET = "reset"
JUDGE = "judge"
FAILS = "judged again, it fails: "
"""Begin of the reason of a champion that was judged again and failed."""
CHAMPION_CHANGES = (PROMOTE, ROLLBACK)
"""Actions that change the champion; a reset changes the reference alone, ``judge`` nothing: the champion was judged
again; the others change the challenger."""


@dataclass(frozen=True)
class Entry:
    """One entry of the ledger.

    Args:
        entry: Its number, from 1.
        action: ``promote``, ``rollback``, ``challenge``, ``withdraw``, ``reset`` or ``judge``.
        from_version: The champion, challenger or reference before, or None.
        to_version: The one after; None after ``withdraw``.
        verdict_id: The gate's verdict on the version; None if it was promoted without one.
        training_set: Fingerprint of the version's training set.
        git_commit: The commit that ran.
        done_by: The user.
        done_at: When, in UTC.
        lock_hash: Hash of the packages that the project declared then.
        override_by: Who overrode the gate, or None.
        override_reason: Why, or None.
        approved_by: Who approved the promotion, or None if nobody was asked.
        approval_reason: The reason of the approval, or None.
        reason: Why a challenger was named or withdrawn, that an entry was recorded later, or which alias the version
            lost; or None.
        override_checks: The checks that were overridden, or None.
        override_until: When the override expires, in UTC, or None.
        canary_share: The share of the keys that a challenger serves as a canary, or None.
        reference: The version that later champions must not be much worse than, from this entry on; or None.
        entry_hash: Of the entry and the hash before it; None of an entry that an earlier release wrote.
        from_target: The target from which the version was promoted, or None if it was trained here.
        from_account: The account of that target.
        from_verdict_id: The verdict there.
        files: Digest of the version's files when it became champion; None if none was recorded when it was registered.
        judged_version: The version that was judged on held-out rows, of which ``to_version`` is the refit on all rows;
            None: itself.
    """

    entry: int
    action: str
    from_version: str | None
    to_version: str | None
    verdict_id: str | None
    training_set: str | None
    git_commit: str
    done_by: str
    done_at: datetime
    lock_hash: str | None = None
    override_by: str | None = None
    override_reason: str | None = None
    approved_by: str | None = None
    approval_reason: str | None = None
    reason: str | None = None
    override_checks: str | None = None
    override_until: datetime | None = None
    canary_share: float | None = None
    reference: str | None = None
    entry_hash: str | None = None
    from_target: str | None = None
    from_account: str | None = None
    from_verdict_id: str | None = None
    files: str | None = None
    judged_version: str | None = None

    def chained(self, previous: str | None) -> str:
        """The hash that the entry must have after another one: whoever changes one changes all that follow.

        Fields without a value are left out, so that a field of a later release changes no hash.

        Args:
            previous: The hash of the entry before; None: there is none, or it has none.

        Returns:
            SHA-256 in hexadecimal digits.
        """
        fields = {name: value for name, value in asdict(self).items() if value is not None and name != "entry_hash"}
        text = json.dumps([previous, fields], sort_keys=True, default=str)
        return hashlib.sha256(text.encode()).hexdigest()


def entries(workspace: Workspace) -> list[Entry]:
    """The whole ledger, oldest entry first."""
    return [Entry(*row) for row in workspace.run("champion/queries.sql#ledger_entries")]


@dataclass(frozen=True)
class Change:
    """An entry that is to be written.

    Args:
        action: ``promote``, ``rollback``, ``challenge``, ``withdraw``, ``reset`` or ``judge``.
        from_version: The champion, challenger or reference before.
        to_version: The one after.
        verdict_id: The gate's verdict.
        training_set: Fingerprint of the training set.
        override: Who overrode the gate, and why.
        approval: Who approved it.
        reason: Why, in words.
        canary_share: The share of the keys that a challenger serves, in mode canary.
        reference: The version that later champions must not be much worse than; None: of a challenger.
        origin: The target from which the version was promoted.
        files: Digest of the version's files, as it was recorded and compared.
        judged: The version that was judged, if ``to_version`` is its refit on all rows.
    """

    action: str
    from_version: str | None
    to_version: str | None
    verdict_id: str | None = None
    training_set: str | None = None
    override: Override | None = None
    approval: Approval | None = None
    reason: str | None = None
    canary_share: float | None = None
    reference: str | None = None
    origin: Origin | None = None
    files: str | None = None
    judged: str | None = None


def append(workspace: Workspace, change: Change) -> None:
    """Add an entry, with the next number and the hash of all entries so far; at any moment only one process appends.

    Args:
        change: What happened.

    Raises:
        AnswerError: if OPS.LEDGER_HEAD does not have its one row.
        snowflake.snowpark.exceptions.SnowparkSQLException: if it cannot be written.
    """
    with workspace.transaction():
        workspace.write("champion/queries.sql#lock_ledger", rows=1)
        entry = _entry(workspace, change, entries(workspace))
        workspace.run("champion/queries.sql#append_to_ledger", model=workspace.project.model_name, entry=entry)
        workspace.write("champion/queries.sql#move_head", rows=1, entry=entry)


def _entry(workspace: Workspace, change: Change, history: list[Entry]) -> Entry:
    project, override, approval, origin = workspace.project, change.override, change.approval, change.origin
    entry = Entry(
        entry=max((each.entry for each in history), default=0) + 1,
        action=change.action,
        from_version=change.from_version,
        to_version=change.to_version,
        verdict_id=change.verdict_id,
        training_set=change.training_set,
        git_commit=git_commit(project),
        done_by=workspace.session.sql("SELECT CURRENT_USER() AS NAME").collect()[0]["NAME"],
        done_at=clock(workspace.session).replace(tzinfo=None),
        lock_hash=lock_hash(project),
        override_by=override.by if override else None,
        override_reason=override.reason if override else None,
        approved_by=approval.by if approval else None,
        approval_reason=approval.reason if approval else None,
        reason=change.reason,
        override_checks=", ".join(override.checks) if override else None,
        override_until=datetime.fromisoformat(override.until_text) if override and override.until_text else None,
        canary_share=change.canary_share,
        reference=change.reference,
        from_target=origin.target if origin else None,
        from_account=origin.account if origin else None,
        from_verdict_id=origin.verdict_id if origin else None,
        files=change.files,
        judged_version=change.judged,
    )
    return replace(entry, entry_hash=entry.chained(history[-1].entry_hash if history else None))


def head(workspace: Workspace) -> tuple[int, str | None]:
    """The number and the hash of the last entry, as they are kept apart from the entries."""
    row = workspace.run("champion/queries.sql#ledger_head")[0]
    return int(row["ENTRY"]), row["ENTRY_HASH"]


def champion_history(history: list[Entry]) -> list[str]:
    """The champions that a rollback can return to, oldest first, the present one last.

    A rollback takes the last one away; promoting adds one.

    Args:
        history: The ledger, oldest entry first.

    Returns:
        Names of versions.
    """
    stack: list[str] = []
    for entry in history:
        if entry.action not in CHAMPION_CHANGES or entry.to_version is None:
            continue
        if entry.action == ROLLBACK and entry.to_version in stack[:-1]:
            while stack[-1] != entry.to_version:
                stack.pop()
        elif not stack or stack[-1] != entry.to_version:
            stack.append(entry.to_version)
    return stack


def recorded_champion(history: list[Entry]) -> str | None:
    """The champion by the ledger: the version of the last change; None if there was none.

    Args:
        history: The ledger, oldest entry first.

    Returns:
        Name of the version, or None.
    """
    return next((entry.to_version for entry in reversed(history) if entry.action in CHAMPION_CHANGES), None)


def promoted_files(history: list[Entry], version: str) -> str | None:
    """The digest of a version's files when it became champion last; None if none was recorded.

    Args:
        history: The ledger, oldest entry first.
        version: Name of the version.

    Returns:
        SHA-256 in hexadecimal digits.
    """
    changes = (each for each in reversed(history) if each.action in CHAMPION_CHANGES and each.to_version == version)
    return next((each.files for each in changes if each.files), None)


def reference_after(history: list[Entry], action: str, version: str, *, surpasses: bool = False) -> str:
    """The reference once a version is champion: it moves only to a version that is surely better than it.

    A margin against the champion alone would be spent again by each champion, so that many steps, each within it, end
    far below (bio-creep: R. D'Agostino, J. Massaro, L. Sullivan, Non-inferiority Trials, Statistics in Medicine 22,
    2003; of retrained models: J. Feng, S. Emerson, N. Simon, Approval Policies for Modifications to Machine
    Learning-Based Software as a Medical Device, Biometrics 77, 2021).

    Args:
        history: The ledger before the change, oldest entry first.
        action: ``promote`` or ``rollback``.
        version: The champion to be.
        surpasses: Whether the gate found it surely better than the reference.

    Returns:
        Name of the version: after a rollback the reference that held when the version was champion last.
    """
    kept = [each for each in history if each.action in (*CHAMPION_CHANGES, RESET)]
    if action == ROLLBACK:
        kept = [each for each in kept if each.to_version == version]
    if surpasses or not kept:
        return version
    return kept[-1].reference or str(kept[-1].to_version)


def interrupted_change(history: list[Entry], serving: str | None) -> Entry | None:
    """The last change of the champion, if it was written and then interrupted: the version before it serves, or none.

    A change is written before the alias moves, so that its intent is known after a process that was killed.

    Args:
        history: The ledger, oldest entry first.
        serving: The version that has the alias, or None.

    Returns:
        The entry; None if the version of the last entry serves, or one that no entry explains.
    """
    last = next((entry for entry in reversed(history) if entry.action in CHAMPION_CHANGES), None)
    if last is None or last.to_version == serving or serving not in (None, last.from_version):
        return None
    return last


def record_observed_champion(workspace: Workspace, serving: str | None) -> list[Entry]:
    """Record the version that serves, if the ledger lacks it because the alias was moved by other means.

    Args:
        serving: The version that has the alias, or None.

    Returns:
        The whole ledger, whose last change of the champion is the version that serves.
    """
    history = entries(workspace)
    stack = champion_history(history)
    last = stack[-1] if stack else None
    if serving in (None, last):
        return history
    action = ROLLBACK if serving in stack else PROMOTE
    why = f"recorded later: {serving} is the champion, and the ledger had no entry for it"
    reference = reference_after(history, action, str(serving))
    append(workspace, Change(action, last, serving, reason=why, reference=reference))
    return entries(workspace)


def failed_again(history: list[Entry]) -> Entry | None:
    """The entry by which the champion failed when it was judged again last, if it has not passed since.

    Args:
        history: The ledger, oldest entry first.

    Returns:
        The entry; None if the last judgement of the champion passed, or it is judged by its promotion alone.
    """
    last = next((each for each in reversed(history) if each.action in (*CHAMPION_CHANGES, JUDGE)), None)
    return last if last and last.action == JUDGE and str(last.reason or "").startswith(FAILS) else None


def last_challenge(history: list[Entry]) -> Entry | None:
    """The entry by which a challenger was named last, or None.

    Args:
        history: The ledger, oldest entry first.

    Returns:
        The entry.
    """
    return next((entry for entry in reversed(history) if entry.action == CHALLENGE), None)


def current_challenger(history: list[Entry]) -> str | None:
    """The challenger by the ledger: the one named last, if it was neither withdrawn nor promoted since.

    Args:
        history: The ledger, oldest entry first.

    Returns:
        Name of the version, or None.
    """
    now: str | None = None
    for entry in history:
        if entry.action in (CHALLENGE, WITHDRAW):
            now = entry.to_version
        elif entry.action in CHAMPION_CHANGES and entry.to_version == now:
            now = None
    return now
