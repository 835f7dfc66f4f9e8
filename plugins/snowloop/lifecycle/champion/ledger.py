"""OPS.LEDGER, append-only: which version became champion or challenger when, after which one, and who decided."""

from dataclasses import dataclass
from datetime import datetime

from snowloop.lifecycle.champion.approval import Approval
from snowloop.lifecycle.gate.verdict import Override
from snowloop.lifecycle.provenance import git_commit, lock_hash
from snowloop.workspace import Workspace

PROMOTE, ROLLBACK = "promote", "rollback"
CHALLENGE, WITHDRAW = "challenge", "withdraw"
CHAMPION_CHANGES = (PROMOTE, ROLLBACK)
"""Actions that change the champion; the others change the challenger."""


@dataclass(frozen=True)
class Entry:
    """One entry of the ledger.

    Args:
        entry: Its number, from 1.
        action: ``promote``, ``rollback``, ``challenge`` or ``withdraw``.
        from_version: The champion, or challenger, before, or None.
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
        reason: Why a challenger was named or withdrawn, or that an entry was recorded later; or None.
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


def entries(workspace: Workspace) -> list[Entry]:
    """The whole ledger, oldest entry first."""
    return [Entry(*row) for row in workspace.run("champion/queries.sql#ledger_entries")]


@dataclass(frozen=True)
class Change:
    """An entry that is to be written.

    Args:
        action: ``promote``, ``rollback``, ``challenge`` or ``withdraw``.
        from_version: The champion, or challenger, before.
        to_version: The one after.
        verdict_id: The gate's verdict.
        training_set: Fingerprint of the training set.
        override: Who overrode the gate, and why.
        approval: Who approved it.
        reason: Why, in words.
    """

    action: str
    from_version: str | None
    to_version: str | None
    verdict_id: str | None = None
    training_set: str | None = None
    override: Override | None = None
    approval: Approval | None = None
    reason: str | None = None


def append(workspace: Workspace, change: Change) -> None:
    """Add an entry.

    Args:
        change: What happened.

    Raises:
        snowflake.snowpark.exceptions.SnowparkSQLException: if it cannot be written.
    """
    project = workspace.project
    workspace.run(
        "champion/queries.sql#append_to_ledger",
        model=project.model_name,
        change=change,
        git_commit=git_commit(project),
        lock_hash=lock_hash(project),
    )


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
    append(workspace, Change(action, last, serving, reason=why))
    return entries(workspace)


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
        elif entry.to_version == now:
            now = None
    return now
