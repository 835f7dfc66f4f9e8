"""OPS.LEDGER, append-only: which version became champion or challenger when, from which, on whose word."""

from dataclasses import dataclass
from datetime import datetime

from snowloop.lifecycle.champion.approval import Approval
from snowloop.lifecycle.gate.verdict import Override
from snowloop.lifecycle.provenance import git_commit, lock_hash
from snowloop.workspace import Workspace

PROMOTE, ROLLBACK = "promote", "rollback"
CHALLENGE, WITHDRAW = "challenge", "withdraw"
REIGNS = (PROMOTE, ROLLBACK)
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
        approval_reason: What they said, or None.
        reason: Why a challenger was named or withdrawn, or that an entry was written after the fact; or None.
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
    """What an entry says, before it is written.

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
        workspace: Session, project and environment.
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


def reigns(history: list[Entry]) -> list[str]:
    """The champions that a rollback can return to, oldest first, the present one last.

    A rollback takes the last one away; promoting adds one.

    Args:
        history: The ledger, oldest entry first.

    Returns:
        Names of versions.
    """
    stack: list[str] = []
    for entry in history:
        if entry.action not in REIGNS or entry.to_version is None:
            continue
        if entry.action == ROLLBACK and entry.to_version in stack[:-1]:
            while stack[-1] != entry.to_version:
                stack.pop()
        elif not stack or stack[-1] != entry.to_version:
            stack.append(entry.to_version)
    return stack


def broken_off(history: list[Entry], serving: str | None) -> Entry | None:
    """The last change of the champion, if it was written and never done: what serves is what served before it, or none.

    A change is written before the alias moves, so that whoever comes after a process that was killed knows its intent.

    Args:
        history: The ledger, oldest entry first.
        serving: The version that has the alias, or None.

    Returns:
        The entry, or None if the ledger says what serves, or something that no entry explains serves.
    """
    last = next((entry for entry in reversed(history) if entry.action in REIGNS), None)
    if last is None or last.to_version == serving or serving not in (None, last.from_version):
        return None
    return last


def catch_up(workspace: Workspace, serving: str | None) -> list[Entry]:
    """Write down what serves, if the ledger does not know it: somebody moved the alias by other means.

    Args:
        workspace: Session, project and environment.
        serving: The version that has the alias, or None.

    Returns:
        The whole ledger, which says now what serves.
    """
    history = entries(workspace)
    stack = reigns(history)
    last = stack[-1] if stack else None
    if serving in (None, last):
        return history
    action = ROLLBACK if serving in stack else PROMOTE
    why = f"written after the fact: {serving} was found to be champion, and the ledger did not say so"
    append(workspace, Change(action, last, serving, reason=why))
    return entries(workspace)


def standing(history: list[Entry]) -> str | None:
    """The challenger as the ledger knows it: named last, and neither withdrawn nor promoted since.

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
