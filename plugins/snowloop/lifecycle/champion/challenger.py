"""A version becomes challenger, or is withdrawn; the ledger says so."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from snowloop.errors import ChallengeRefused, GateRefused, ScoringError
from snowloop.lifecycle.champion import ledger
from snowloop.lifecycle.champion.succession import judge_version
from snowloop.lifecycle.results import Result
from snowloop.lifecycle.scoring.reprocess.shared import version_to_score
from snowloop.lifecycle.versions import CHALLENGER, CHAMPION, Version, aliased, model, versions, withdraw_alias
from snowloop.project import Project
from snowloop.project.challenger import Challenger
from snowloop.sql import identifier, run
from snowloop.workspace import Workspace


@dataclass(frozen=True)
class Challenge(Result):
    """Who is challenger now.

    Args:
        challenger: The challenger, or None.
        previous: The one before, or None.
        mode: ``shadow`` or ``canary``, as declared; empty if none is declared.
        kept: Whether it was so already.
    """

    challenger: str | None
    previous: str | None
    mode: str
    kept: bool = False

    def summary(self) -> dict[str, int | float | str]:
        """Challenger, the one before, and how it challenges."""
        now, before = self.challenger or "none", self.previous or "none"
        return {"challenger": now, "before": before, "mode": self.mode or "none", "kept": int(self.kept)}


def challenge(workspace: Workspace, *, version: str, reason: str, judge: bool = False) -> Challenge:
    """Give a version the alias CHALLENGER, so that the scoring loop lets it score beside the champion.

    A call that was broken off is completed by the same call. What serves a share of the keys must have passed the
    gate, except that it need not be as good as the champion; what scores in the shadow serves nobody, and need not.

    Args:
        workspace: Session, project and environment.
        version: Name or alias of the version.
        reason: Why, for the ledger.
        judge: Whether to ask the gate first, on the training set of the present data.

    Returns:
        The challenger, and the one before.

    Raises:
        ChallengeRefused: if no challenger is declared, the reason is empty, there is no such version, it is the
            champion, it takes other features or tells other classes, or it would serve without the gate's word.
        GateRefused: if the gate is asked and finds more against it than that the champion is better.
    """
    plan, known = _declared(workspace.project, reason, version), versions(workspace)
    found = _fitting(workspace, known, version)
    version = found.name
    verdict = _last_verdict(workspace, found, judge=judge)
    if plan.mode == "canary" and verdict["REASON"]:
        message = (
            f"version {version} must not serve {plan.share:.0%} of the keys of project {workspace.project.name}: "
            f"{verdict['REASON']}; have the gate judge it now (--judge), choose another version, or declare "
            "`challenger: {mode: shadow}`, in which it serves nobody"
        )
        raise ChallengeRefused(message)
    now, written = aliased(known, CHALLENGER), ledger.standing(ledger.entries(workspace))
    if now is not None and now.name == version == written:
        return Challenge(version, version, plan.mode, kept=True)
    if now is None or now.name != version:
        _alias(workspace, now, version)
    training_set = found.facts.get("training_set")
    change = ledger.Change(ledger.CHALLENGE, written, version, verdict["VERDICT_ID"], training_set, reason=reason)
    ledger.append(workspace, change)
    return Challenge(version, written, plan.mode)


def _declared(project: Project, reason: str, version: str) -> Challenger:
    if project.serving.challenger is None:
        message = (
            f"project {project.name} declares no challenger: put `challenger: {{mode: shadow}}` under `serving` in "
            "project.yaml, and run `snowloop apply`"
        )
        raise ChallengeRefused(message)
    if not version or not reason.strip():
        message = (
            f"a challenger of project {project.name} needs a version and a reason for the ledger, given: version "
            f"'{version}', reason '{reason}'"
        )
        raise ChallengeRefused(message)
    return project.serving.challenger


def _fitting(workspace: Workspace, known: Sequence[Version], version: str) -> Version:
    """The version of a name, if it could score the champion's rows."""
    try:
        name = version_to_score(workspace, version)
    except ScoringError as error:
        message = f"{version} cannot be challenger of project {workspace.project.name}: {error}"
        raise ChallengeRefused(message) from error
    found = next(each for each in known if each.name == name)
    if CHAMPION in found.aliases:
        message = (
            f"version {found.name} is the champion of project {workspace.project.name}: name another one as challenger"
        )
        raise ChallengeRefused(message)
    return found


def _last_verdict(workspace: Workspace, found: Version, *, judge: bool) -> dict[str, Any]:
    """REASON, why the gate's last verdict does not let it serve beside the champion, and the verdict's id."""
    refused = None
    if judge:
        try:
            judge_version(workspace, found)
        except GateRefused as error:
            refused = error
    known = {"database": workspace.database, "model_name": workspace.project.model_name, "version": found.name}
    row: dict[str, Any] = run(workspace.session, "gate/refusal.sql", **known)[0].as_dict()
    if refused and row["REASON"]:
        raise refused
    return row


def _alias(workspace: Workspace, now: Version | None, version: str) -> None:
    """An alias belongs to one version, so it is taken from the one that has it first."""
    if now is not None:
        withdraw_alias(workspace)
    name = identifier(version)
    workspace.session.sql(
        f"ALTER MODEL {model(workspace.project, workspace.target)} VERSION {name} SET ALIAS = {CHALLENGER}"
    ).collect()


def withdraw(workspace: Workspace, *, reason: str) -> Challenge:
    """Take the alias CHALLENGER away: from the next run on, the champion scores alone.

    Args:
        workspace: Session, project and environment.
        reason: Why, for the ledger.

    Returns:
        The challenger before; withdrawing nothing changes nothing.

    Raises:
        ChallengeRefused: if the reason is empty.
    """
    project = workspace.project
    if not reason.strip():
        message = f"withdrawing the challenger of project {project.name} needs a reason for the ledger"
        raise ChallengeRefused(message)
    mode = project.serving.challenger.mode if project.serving.challenger else ""
    now = aliased(versions(workspace), CHALLENGER)
    written = ledger.standing(ledger.entries(workspace))
    if now is not None:
        withdraw_alias(workspace)
    elif written is None:
        return Challenge(None, None, mode, kept=True)
    before = now.name if now else written
    change = ledger.Change(ledger.WITHDRAW, before, None, reason=reason)
    ledger.append(workspace, change)
    return Challenge(None, before, mode)
