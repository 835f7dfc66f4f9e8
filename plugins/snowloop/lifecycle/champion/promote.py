"""Stage 4f: the version that the gate let pass becomes champion, and the ledger says so."""

from dataclasses import dataclass

from snowloop.errors import GateRefused
from snowloop.lifecycle.champion import ledger
from snowloop.lifecycle.champion.approval import Approval, check_approved
from snowloop.lifecycle.deployment.lock import deployment_lock
from snowloop.lifecycle.deployment.schema_version import check_release
from snowloop.lifecycle.gate.verdict import Verdict
from snowloop.lifecycle.model_files import changed_files, recorded_files
from snowloop.lifecycle.results import Result
from snowloop.lifecycle.versions import CHAMPION, aliased, lost_alias, model, set_champion, versions
from snowloop.lifecycle.versions import serving as version_that_serves
from snowloop.project import Project
from snowloop.sql import clock
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

    The ledger is written first, in one statement: if the process is killed then, the champion before serves, or, while
    no version has the alias, this one; and the same call completes it.

    Args:
        verdict: What the gate decided.
        approval: The approval that the declaration may ask for; it is recorded with the promotion.

    Returns:
        The champion, and the one before.

    Raises:
        EnvironmentBusy: if a deployment or another promotion is under way there.
        ApprovalRefused: if the declaration asks for an approval in this environment and this version has none.
        GateRefused: if another version became champion since: a verdict holds against the champion that it names; if
            the override by which it passed has expired; or if the version is gone, or its files are not those that were
            registered.
        DeliveryError: if its files cannot be read.
        PlanRefused: if a later release has made the environment.
    """
    check_release(workspace)
    check_approved(workspace.project, workspace.target, verdict, approval)
    with deployment_lock(workspace, f"promote {verdict.version_name}"):
        return _promote(workspace, verdict, approval)


def _promote(workspace: Workspace, verdict: Verdict, approval: Approval | None) -> Promotion:
    project = workspace.project
    existing, name = versions(workspace), verdict.version_name
    _check_override(workspace, verdict)
    now, history = aliased(existing, CHAMPION), ledger.entries(workspace)
    interrupted = ledger.interrupted_change(history, now.name if now else None)
    this_one = interrupted is not None and (ledger.PROMOTE, name, verdict.verdict_id) == (
        interrupted.action,
        interrupted.to_version,
        interrupted.verdict_id,
    )
    champion = version_that_serves(workspace, existing)  # a version that was dropped is champion no longer
    serving = champion.name if champion else None
    if not this_one:
        _check_present(project, workspace.target, verdict, serving)
    chosen = next((version for version in existing if version.name == name), None)
    if chosen is None:
        message = f"{name} is gone from {model(project, workspace.target)}: train it again, by {project.name}__train"
        raise GateRefused(message, verdict.verdict_id)
    files = _check_files(workspace, verdict)
    recorded = ledger.recorded_champion(history) == name
    made_again = files is not None and ledger.promoted_files(history, name) not in (None, files)
    if not this_one and (made_again or not (recorded and serving == name)):
        _write(workspace, verdict, approval, serving, lost_alias(chosen), files)
        history = ledger.entries(workspace)
    set_champion(workspace, name)
    champions = ledger.champion_history(history)
    return Promotion(name, champions[-2] if len(champions) > 1 else None, kept=recorded and now == chosen)


def _write(
    workspace: Workspace,
    verdict: Verdict,
    approval: Approval | None,
    serving: str | None,
    reason: str | None,
    files: str | None,
) -> None:
    """Record the promotion, after a champion that the ledger lacks."""
    before = None if serving == verdict.version_name else serving
    history = ledger.record_observed_champion(workspace, before)
    champions = ledger.champion_history(history)
    change = ledger.Change(
        ledger.PROMOTE,
        champions[-1] if champions else None,
        verdict.version_name,
        verdict.verdict_id,
        verdict.training_set,
        verdict.override,
        approval,
        reason,
        reference=ledger.reference_after(history, ledger.PROMOTE, verdict.version_name, surpasses=verdict.surpasses),
        origin=verdict.origin,
        files=files,
        judged=verdict.judged,
    )
    ledger.append(workspace, change)


def _check_files(workspace: Workspace, verdict: Verdict) -> str | None:
    """The digest that was recorded of the version's files, which they still have; None if none was recorded."""
    name = verdict.version_name
    recorded = recorded_files(workspace).get(name) or (verdict.origin.files if verdict.origin else None)
    changed = changed_files(workspace, name, recorded)
    if changed:
        raise GateRefused(f"{name} does not become champion of {workspace.database}: {changed}", verdict.verdict_id)
    return recorded


def _check_override(workspace: Workspace, verdict: Verdict) -> None:
    """A person may answer much later, and an override may be for a time."""
    override = verdict.override
    if override is None or override.until is None or override.until > clock(workspace.session):
        return
    message = (
        f"{verdict.version_name} passed by an override that expired at {override.until_text} UTC ({override.by}): have "
        f"the gate judge again, by another run of {workspace.project.name}__train, with an override or without"
    )
    raise GateRefused(message, verdict.verdict_id)


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
