"""The reference, which no champion may be much worse than: a person lets it begin again with the present champion."""

from dataclasses import dataclass

from snowloop.errors import ReferenceRefused
from snowloop.lifecycle.champion import ledger
from snowloop.lifecycle.champion.approval import Approval
from snowloop.lifecycle.results import Result
from snowloop.lifecycle.versions import model, reference, serving, versions
from snowloop.workspace import Workspace


@dataclass(frozen=True)
class Reset(Result):
    """The reference now.

    Args:
        reference: The version: the champion.
        previous: The reference before.
        kept: Whether it was the reference already; then nothing is recorded.
    """

    reference: str
    previous: str
    kept: bool = False

    def summary(self) -> dict[str, int | float | str]:
        """The reference, the one before, and whether nothing changed."""
        return {"reference": self.reference, "before": self.previous, "kept": int(self.kept)}


def reset_reference(workspace: Workspace, *, by: str | None, reason: str) -> Reset:
    """Let the reference begin again with the present champion, although it may be worse: recorded in OPS.LEDGER.

    Args:
        by: Who decides: a user who is logged in.
        reason: Why, for example that the population has changed and no model is as good as before.

    Returns:
        The reference now and before.

    Raises:
        ReferenceRefused: if the user or the reason is missing, or there is no champion.
    """
    name = model(workspace.project, workspace.target)
    if not (by or "").strip() or not reason.strip():
        message = (
            f"resetting the reference of {name} needs a user who is logged in and a reason for the ledger, given: user "
            f"'{by or ''}', reason '{reason}'"
        )
        raise ReferenceRefused(message)
    champion = serving(workspace, versions(workspace))
    if champion is None:
        message = (
            f"{name} has no champion: the reference begins with the first promotion, by {workspace.project.name}__train"
        )
        raise ReferenceRefused(message)
    ledger.record_observed_champion(workspace, champion.name)
    before = reference(workspace) or champion.name
    if before == champion.name:
        return Reset(before, before, kept=True)
    decided = Approval(champion.name, by, reason)
    change = ledger.Change(
        ledger.RESET, before, champion.name, approval=decided, reason=reason, reference=champion.name
    )
    ledger.append(workspace, change)
    return Reset(champion.name, before)
