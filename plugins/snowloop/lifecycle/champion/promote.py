"""Stage 4e: the version that the gate let pass becomes champion, and the ledger says so."""

from dataclasses import dataclass

from snowloop.errors import GateRefused
from snowloop.lifecycle.champion import ledger
from snowloop.lifecycle.champion.approval import Approval, check_approved
from snowloop.lifecycle.gate.verdict import Verdict
from snowloop.lifecycle.results import Result
from snowloop.lifecycle.versions import CHALLENGER, CHAMPION, aliased, model, set_champion, versions
from snowloop.project import Project
from snowloop.workspace import Workspace


@dataclass(frozen=True)
class Promotion(Result):
    """Who is champion now.

    Args:
        version_name: The champion.
        previous: The champion before, or None.
        kept: Whether it was champion already.
    """

    version_name: str
    previous: str | None
    kept: bool

    def summary(self) -> dict[str, int | float | str]:
        """Champion, the one before, and whether nothing changed."""
        return {"champion": self.version_name, "before": self.previous or "none", "kept": int(self.kept)}


def promote(workspace: Workspace, verdict: Verdict, approval: Approval | None = None) -> Promotion:
    """Make a version champion; a promotion that was interrupted is completed, one that is done is kept.

    The ledger is written first, so that the intent is known after a process that was killed.

    Args:
        verdict: What the gate decided.
        approval: The approval that the declaration may ask for; it is recorded with the promotion.

    Returns:
        The champion, and the one before.

    Raises:
        ApprovalRefused: if the declaration asks for an approval in this environment and this version has none.
        GateRefused: if another version became champion since: a verdict holds against the champion that it names; or
            if the version is gone.
    """
    project = workspace.project
    check_approved(project, workspace.target, verdict, approval)
    existing, name = versions(workspace), verdict.version_name
    now = aliased(existing, CHAMPION)
    serving = now.name if now else None
    history = ledger.entries(workspace)
    interrupted = ledger.interrupted_change(history, serving)
    this = (ledger.PROMOTE, name, verdict.verdict_id)
    this_one = interrupted is not None and this == (
        interrupted.action,
        interrupted.to_version,
        interrupted.verdict_id,
    )
    if not this_one:
        _check_present(project, workspace.target, verdict, serving)
    if name not in [version.name for version in existing]:
        message = f"{name} is gone from {model(project, workspace.target)}: train it again, by {project.name}__train"
        raise GateRefused(message, verdict.verdict_id)
    champions = ledger.champion_history(history)
    recorded = bool(champions) and champions[-1] == name
    if not this_one and not (recorded and serving == name):
        _write(workspace, verdict, approval, serving)
        champions = ledger.champion_history(ledger.entries(workspace))
    set_champion(workspace, name)
    kept = recorded and now is not None and serving == name and CHALLENGER not in now.aliases
    return Promotion(name, champions[-2] if len(champions) > 1 else None, kept=kept)


def _write(workspace: Workspace, verdict: Verdict, approval: Approval | None, serving: str | None) -> None:
    """Record the promotion, after a champion that the ledger lacks."""
    before = None if serving == verdict.version_name else serving
    champions = ledger.champion_history(ledger.record_observed_champion(workspace, before))
    change = ledger.Change(
        ledger.PROMOTE,
        champions[-1] if champions else None,
        verdict.version_name,
        verdict.verdict_id,
        verdict.training_set,
        verdict.override,
        approval,
    )
    ledger.append(workspace, change)


def _check_present(project: Project, target: str, verdict: Verdict, name: str | None) -> None:
    """A person may answer much later, and two trainings may end in one hour."""
    if name in (verdict.champion, verdict.version_name):
        return
    message = (
        f"{verdict.version_name} was judged against {verdict.champion or 'no champion'}; now the champion of "
        f"{model(project, target)} is {name or 'nobody'}: have the gate judge again, by another run of "
        f"{project.name}__train (of a challenger: {project.name}__challenge with the action promote)"
    )
    raise GateRefused(message, verdict.verdict_id)
