"""The challenger: a version is named or withdrawn, judged by the gate on the present data, and promoted."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from snowloop.checks import counted
from snowloop.command_line import command
from snowloop.errors import ApprovalRefused, ChallengeRefused, GateRefused, ScoringError
from snowloop.lifecycle.champion import ledger
from snowloop.lifecycle.champion.approval import Approval, asks, check_canary_approved
from snowloop.lifecycle.champion.compare import compare_versions
from snowloop.lifecycle.champion.fit import champion_formula, check_formula, version_to_score
from snowloop.lifecycle.champion.promote import Promotion, promote
from snowloop.lifecycle.champion.standing import refusal
from snowloop.lifecycle.deployment.schema_version import check_release
from snowloop.lifecycle.evaluation.evaluate import evaluate
from snowloop.lifecycle.features.point_in_time import declared_formula
from snowloop.lifecycle.features.training_set import TrainingSet, build_training_set
from snowloop.lifecycle.gate.gate import decide
from snowloop.lifecycle.gate.refit import judge_refitted
from snowloop.lifecycle.gate.verdict import Verdict
from snowloop.lifecycle.model_files import changed_files, recorded_files
from snowloop.lifecycle.results import Result
from snowloop.lifecycle.training.train import Candidate
from snowloop.lifecycle.versions import (
    CHALLENGER,
    CHAMPION,
    Version,
    aliased,
    champion,
    give_alias,
    lost_alias,
    model,
    serving,
    versions,
    withdraw_alias,
)
from snowloop.markdown import code, code_block, escaped
from snowloop.project import Challenger, Project
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


@dataclass(frozen=True)
class Proposal(Result):
    """A version that may become challenger, and what a person is shown who decides on it.

    Args:
        version_name: The version.
        verdict_id: The gate's last verdict on it, or None.
        report: Version, reason, champion and verdict, in Markdown.
    """

    version_name: str
    verdict_id: str | None
    report: str = ""

    def summary(self) -> dict[str, int | float | str]:
        """The version, and its verdict."""
        return {"version": self.version_name, "verdict": self.verdict_id or "none"}


def propose(workspace: Workspace, *, version: str, reason: str, judge: bool = False) -> Proposal:
    """Check that a version may become challenger; nothing is changed, but for a verdict if the gate is asked.

    Args and errors are those of ``challenge``.

    Returns:
        The version, and its verdict.
    """
    project = workspace.project
    plan, existing = _declared(project, reason, version), versions(workspace)
    chosen = _fitting(workspace, existing, version)
    verdict = _last_verdict(workspace, chosen, judge=judge)
    if plan.mode == "canary" and verdict["REASON"]:
        message = (
            f"version {chosen.name} must not serve {plan.share:.0%} of the keys of project {project.name}: "
            f"{verdict['REASON']}; have the gate judge it now (--judge), choose another version, or declare "
            "`challenger: {mode: shadow}`, in which it serves nobody"
        )
        raise ChallengeRefused(message)
    now, decided = serving(workspace, existing), verdict["VERDICT_ID"]
    shown = code(command("report", project=project.name, target=workspace.target, version=chosen.name))
    report = (
        f"{escaped(chosen.name)} next to the champion {escaped(now.name if now else 'nobody')}: {escaped(reason)}\n\n"
        f"The gate's last verdict on it, {escaped(decided or 'none')}, lets it serve: {shown}"
    )
    return Proposal(chosen.name, decided, report)


def challenge(
    workspace: Workspace, *, version: str, reason: str, judge: bool = False, approval: Approval | None = None
) -> Challenge:
    """Give a version the alias CHALLENGER, so that the scoring loop lets it score together with the champion.

    A call that was interrupted is completed by the same call. What serves a share of the keys must have passed the
    gate, except that it need not be as good as the champion; what scores in the shadow serves nobody, and need not.

    Args:
        version: Name or alias of the version.
        reason: Why, for the ledger.
        judge: Whether to ask the gate first, on the training set of the present data.
        approval: The approval that a large share of the keys may need; it is recorded in the ledger.

    Returns:
        The challenger, and the one before.

    Raises:
        PlanRefused: if a later release has made the environment.
        ApprovalRefused: if the declaration asks for an approval in this environment and this version has none.
        ChallengeRefused: if no challenger is declared, the reason is empty, there is no such version, it is the
            champion, it takes other features or predicts other classes, its files are not those that were registered,
            or it would serve without having passed the gate.
        GateRefused: if the gate is asked and refuses it for more than that the champion is better.
    """
    check_release(workspace)
    plan = _declared(workspace.project, reason, version)
    if approval is None:  # before the gate is asked
        check_canary_approved(workspace.project, workspace.target, version, None)
    proposal = propose(workspace, version=version, reason=reason, judge=judge)
    name, existing = proposal.version_name, versions(workspace)
    check_canary_approved(workspace.project, workspace.target, name, approval)
    now, history = aliased(existing, CHALLENGER), ledger.entries(workspace)
    recorded, last = ledger.current_challenger(history), ledger.last_challenge(history)
    same_share = last is not None and last.canary_share == plan.share
    if now is not None and now.name == name == recorded and same_share:
        return Challenge(name, name, plan.mode, kept=True)
    chosen = next(each for each in existing if each.name == name)
    give_alias(workspace, name, CHALLENGER)
    change = ledger.Change(
        ledger.CHALLENGE,
        recorded,
        name,
        proposal.verdict_id,
        chosen.facts.get("training_set"),
        approval=approval,
        reason="; ".join(filter(None, (reason, lost_alias(chosen)))),
        canary_share=plan.share,
    )
    ledger.append(workspace, change)
    return Challenge(name, recorded, plan.mode)


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


def _fitting(workspace: Workspace, existing: Sequence[Version], version: str) -> Version:
    """The version of a name, if it could score the champion's rows."""
    try:
        scorer, serving = version_to_score(workspace, version), champion_formula(workspace)
        if serving is not None:  # the loop computes the features once a row, for both
            to_do = "name a version that was trained with that one, or have this one promoted by the train DAG"
            check_formula(scorer, serving, "the champion", to_do)
    except ScoringError as error:
        message = f"{version} cannot be challenger of project {workspace.project.name}: {error}"
        raise ChallengeRefused(message) from error
    chosen = next(each for each in existing if each.name == scorer.name)
    if chosen == champion(workspace):
        message = (
            f"version {chosen.name} is the champion of project {workspace.project.name}: name another one as challenger"
        )
        raise ChallengeRefused(message)
    changed = changed_files(workspace, chosen.name, recorded_files(workspace).get(chosen.name))
    if changed:
        raise ChallengeRefused(f"{chosen.name} cannot be challenger of project {workspace.project.name}: {changed}")
    return chosen


def _last_verdict(workspace: Workspace, version: Version, *, judge: bool) -> dict[str, Any]:
    """REASON, why the gate's last verdict does not let it serve a share of the keys, and the verdict's id."""
    refused = None
    if judge:
        try:
            judge_version(workspace, version)
        except GateRefused as error:
            refused = error
    row = refusal(workspace, version.name, "challenger")
    if refused and row["REASON"]:
        raise refused
    return row


def withdraw(workspace: Workspace, *, reason: str) -> Challenge:
    """Take the alias CHALLENGER away: from the next run on, the champion scores alone.

    Args:
        reason: Why, for the ledger.

    Returns:
        The challenger before; withdrawing nothing changes nothing.

    Raises:
        PlanRefused: if a later release has made the environment.
        ChallengeRefused: if the reason is empty.
    """
    check_release(workspace)
    project = workspace.project
    if not reason.strip():
        message = f"withdrawing the challenger of project {project.name} needs a reason for the ledger"
        raise ChallengeRefused(message)
    mode = project.serving.challenger.mode if project.serving.challenger else ""
    now = aliased(versions(workspace), CHALLENGER)
    recorded = ledger.current_challenger(ledger.entries(workspace))
    if now is not None:
        withdraw_alias(workspace)
    elif recorded is None:
        return Challenge(None, None, mode, kept=True)
    before = now.name if now else recorded
    change = ledger.Change(ledger.WITHDRAW, before, None, reason=reason)
    ledger.append(workspace, change)
    return Challenge(None, before, mode)


@dataclass(frozen=True)
class Judged(Result):
    """The gate's verdict on the challenger, and what a person is shown who decides on it.

    Args:
        verdict: The gate's verdict; a refusal is an error instead.
        comparison: Challenger and champion on the rows that both had to score, in Markdown; empty if nobody is asked.
    """

    verdict: Verdict
    comparison: str = ""

    def summary(self) -> dict[str, int | float | str]:
        """The verdict's figures."""
        return self.verdict.summary()


def judge_challenger(workspace: Workspace) -> Judged:
    """Have the gate judge the challenger against the champion, on the present data; nothing is promoted.

    Returns:
        The verdict, and the comparison where a person is asked.

    Raises:
        ChallengeRefused: if there is no challenger, or a person is to be asked and nothing can be compared.
        GateRefused: if any check fails; champion and challenger stay who they are.
    """
    verdict = judge_version(workspace, _present_challenger(workspace))
    if not asks(workspace.project, workspace.target, verdict):
        return Judged(verdict)
    comparison = compare_versions(workspace).text()
    passed = f"The gate let it pass: {counted(verdict.checks, ' checks')}, verdict {verdict.verdict_id}."
    return Judged(verdict, f"{code_block(comparison)}\n\n{passed}")


def promote_challenger(
    workspace: Workspace,
    verdict: Verdict | None = None,
    approval: Approval | None = None,
) -> Promotion:
    """Make the challenger champion if every check of the gate passes, and a person has agreed where one is asked.

    Args:
        verdict: The gate's verdict of ``judge_challenger``; None: it is asked now.
        approval: The approval that the declaration may ask for; it is recorded with the promotion.

    Returns:
        The champion, and the one before; there is no challenger any more.

    Raises:
        ApprovalRefused: if the declaration asks for an approval in this environment and this version has none.
        ChallengeRefused: if there is no challenger, or who was judged is challenger no longer.
        GateRefused: if any check fails, or another version became champion since; champion and challenger stay who they
            are.
    """
    project = workspace.project
    if verdict is None:
        now = _present_challenger(workspace)
        if workspace.target.lower() in project.approval.targets and now != champion(workspace):
            message = (
                f"project {project.name} asks a person before each promotion in {workspace.target}, "
                f"which no command can: run {project.name}__challenge with the action promote for {now.name}, "
                "and answer its task approve"
            )
            raise ApprovalRefused(message)
        verdict = judge_version(workspace, now)
    else:
        _check_present(workspace, verdict)
    return promote(workspace, verdict, approval)


def _present_challenger(workspace: Workspace) -> Version:
    """The challenger; or one whose promotion was interrupted after it had lost the alias."""
    existing = versions(workspace)
    now = aliased(existing, CHALLENGER) or _interrupted(workspace, existing)
    if now is None:
        message = f"{model(workspace.project, workspace.target)} has no challenger to promote: name one first"
        raise ChallengeRefused(message)
    return now


def _interrupted(workspace: Workspace, existing: Sequence[Version]) -> Version | None:
    """The version whose promotion is in the ledger, and not done."""
    now = aliased(existing, CHAMPION)
    change = ledger.interrupted_change(ledger.entries(workspace), now.name if now else None)
    if change is None or change.action != ledger.PROMOTE:
        return None
    return next((each for each in existing if each.name == change.to_version), None)


def _check_present(workspace: Workspace, verdict: Verdict) -> None:
    """A person may answer much later; a promotion that was interrupted goes on."""
    existing = versions(workspace)
    present = (serving(workspace, existing), aliased(existing, CHALLENGER), _interrupted(workspace, existing))
    if verdict.version_name in [each.name for each in present if each]:
        return
    message = (
        f"{verdict.version_name} was judged as challenger; "
        f"now the challenger of {model(workspace.project, workspace.target)} is "
        f"{present[1].name if present[1] else 'nobody'}: have the gate judge again"
    )
    raise ChallengeRefused(message)


def judge_version(workspace: Workspace, version: Version) -> Verdict:
    """Have the gate judge a version that was trained before, on the held-out rows of the present data.

    A version that was trained on all rows is judged by the version of which it is the refit.

    Args:
        version: The version.

    Returns:
        The verdict.

    Raises:
        ChallengeRefused: if the version of which it is the refit is gone.
        GateRefused: if any check fails.
        LeakageError: if the present training set gives the label away.
        ScoringError: if it was trained with another features.sql than that of the project, or predicts other classes.
    """
    to_do = "put that features.sql back, or train a version with that of the project"
    check_formula(version_to_score(workspace, version.name), declared_formula(workspace.project), "the project", to_do)
    judged = next((each for each in versions(workspace) if each.name == version.judged_as), None)
    if judged is None:
        message = (
            f"{version.name} is the refit of {version.judged_as}, which is gone from "
            f"{model(workspace.project, workspace.target)}, and no rows are held out of a refit: train again"
        )
        raise ChallengeRefused(message)
    candidate = _again(workspace, judged, build_training_set(workspace))
    verdict = decide(workspace, [evaluate(workspace, candidate)])
    if judged == version:
        return verdict
    return judge_refitted(workspace, verdict, _again(workspace, version, candidate.training_set), judged)


def _again(workspace: Workspace, version: Version, training_set: TrainingSet) -> Candidate:
    """A registered version as a candidate on the present data."""
    name = str(version.facts.get("candidate", version.name))
    metric = workspace.project.metric.name
    return Candidate(name, version.name, training_set, version.metrics, kept=True, metric=metric)
