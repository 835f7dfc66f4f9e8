"""Stage 4e: the version that the gate let pass becomes champion, and the ledger says so."""

from dataclasses import dataclass

from snowloop.errors import GateRefused
from snowloop.lifecycle.champion import ledger
from snowloop.lifecycle.champion.approval import Approval, check_approved
from snowloop.lifecycle.gate.verdict import Verdict
from snowloop.lifecycle.results import Result
from snowloop.lifecycle.versions import CHALLENGER, CHAMPION, aliased, crown, model, versions
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
    """Make a version champion; a promotion that was broken off is completed, one that is done is kept.

    The ledger is written first: whoever comes after a process that was killed knows what it was about to do.

    Args:
        workspace: Session, project and environment.
        verdict: What the gate decided.
        approval: The yes that the declaration may ask for; it is recorded with the promotion.

    Returns:
        The champion, and the one before.

    Raises:
        ApprovalRefused: if the declaration asks for a yes in this environment and there is none for this version.
        GateRefused: if another version became champion since: a verdict holds against the champion that it names; or
            if the version is gone.
    """
    project = workspace.project
    check_approved(project, workspace.target, verdict, approval)
    known, name = versions(workspace), verdict.version_name
    now = aliased(known, CHAMPION)
    serving = now.name if now else None
    history = ledger.entries(workspace)
    begun = ledger.broken_off(history, serving)
    this = (ledger.PROMOTE, name, verdict.verdict_id)
    goes_on = begun is not None and (begun.action, begun.to_version, begun.verdict_id) == this
    if not goes_on:
        _check_present(project, workspace.target, verdict, serving)
    if name not in [version.name for version in known]:
        message = f"{name} is gone from {model(project, workspace.target)}: train it again, by {project.name}__train"
        raise GateRefused(message, verdict.verdict_id)
    reigns = ledger.reigns(history)
    written = bool(reigns) and reigns[-1] == name
    if not goes_on and not (written and serving == name):
        _write(workspace, verdict, approval, serving)
        reigns = ledger.reigns(ledger.entries(workspace))
    crown(workspace, name)
    kept = written and now is not None and serving == name and CHALLENGER not in now.aliases
    return Promotion(name, reigns[-2] if len(reigns) > 1 else None, kept=kept)


def _write(workspace: Workspace, verdict: Verdict, approval: Approval | None, serving: str | None) -> None:
    """Say in the ledger what is about to be done, after what it does not know yet."""
    before = None if serving == verdict.version_name else serving
    reigns = ledger.reigns(ledger.catch_up(workspace, before))
    change = ledger.Change(
        ledger.PROMOTE,
        reigns[-1] if reigns else None,
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
