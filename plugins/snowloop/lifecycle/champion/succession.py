"""How a challenger becomes champion: by the gate's word on the present data, and a person's yes where one is asked."""

from dataclasses import dataclass

from snowloop.errors import ApprovalRefused, ChallengeRefused
from snowloop.lifecycle.champion.approval import Approval, asks
from snowloop.lifecycle.champion.compare import compare_versions
from snowloop.lifecycle.champion.promote import Promotion, promote
from snowloop.lifecycle.evaluation.evaluate import evaluate
from snowloop.lifecycle.features.training_set import build_training_set
from snowloop.lifecycle.gate.gate import decide
from snowloop.lifecycle.gate.verdict import Verdict
from snowloop.lifecycle.results import Result
from snowloop.lifecycle.scoring.reprocess.shared import version_to_score
from snowloop.lifecycle.training.train import Candidate
from snowloop.lifecycle.versions import CHALLENGER, CHAMPION, Version, aliased, model, versions
from snowloop.workspace import Workspace


@dataclass(frozen=True)
class Judged(Result):
    """What the gate said of the challenger, and what a person is shown who decides on it.

    Args:
        verdict: The gate's verdict; there is none of a challenger that it refuses.
        comparison: Challenger and champion on the rows that both had to score, in Markdown; empty if nobody is asked.
    """

    verdict: Verdict
    comparison: str = ""

    def summary(self) -> dict[str, int | float | str]:
        """The verdict's figures."""
        return self.verdict.summary()


def judge_challenger(workspace: Workspace) -> Judged:
    """Have the gate judge the challenger against the champion, on the present data; nothing is promoted.

    Args:
        workspace: Session, project and environment.

    Returns:
        The verdict, and the comparison where a person is asked.

    Raises:
        ChallengeRefused: if there is no challenger, or a person is to be asked and nothing can be compared.
        GateRefused: if any check fails; champion and challenger stay who they are.
    """
    verdict = judge_version(workspace, _challenger(workspace))
    if not asks(workspace.project, workspace.target, verdict):
        return Judged(verdict)
    told = compare_versions(workspace).text()
    passed = f"The gate let it pass: {verdict.summary()['checks passed']} checks, verdict {verdict.verdict_id}."
    return Judged(verdict, f"```text\n{told}\n```\n\n{passed}")


def promote_challenger(
    workspace: Workspace,
    verdict: Verdict | None = None,
    approval: Approval | None = None,
) -> Promotion:
    """Make the challenger champion if every check of the gate passes, and a person has agreed where one is asked.

    Args:
        workspace: Session, project and environment.
        verdict: What the gate said of it in ``judge_challenger``; None: it is asked now.
        approval: The yes that the declaration may ask for; it is recorded with the promotion.

    Returns:
        The champion, and the one before; there is no challenger any more.

    Raises:
        ApprovalRefused: if the declaration asks for a yes in this environment and there is none for this version.
        ChallengeRefused: if there is no challenger, or who was judged is challenger no longer.
        GateRefused: if any check fails, or another version became champion since; champion and challenger stay who they
            are.
    """
    project = workspace.project
    if verdict is None:
        now = _challenger(workspace)
        if workspace.target.lower() in project.approval.targets and CHAMPION not in now.aliases:
            message = (
                f"project {project.name} asks a person before each promotion in {workspace.target}, "
                f"which no command can: "
                f"run {project.name}__challenge with the action promote for {now.name}, and answer its task approve"
            )
            raise ApprovalRefused(message)
        verdict = judge_version(workspace, now)
    else:
        _check_present(workspace, verdict)
    return promote(workspace, verdict, approval)


def _challenger(workspace: Workspace) -> Version:
    now = aliased(versions(workspace), CHALLENGER)
    if now is None:
        message = f"{model(workspace.project, workspace.target)} has no challenger to promote: name one first"
        raise ChallengeRefused(message)
    return now


def _check_present(workspace: Workspace, verdict: Verdict) -> None:
    """A person may answer much later; a promotion that was broken off has its champion already."""
    known = versions(workspace)
    champion, beside = (getattr(aliased(known, alias), "name", None) for alias in (CHAMPION, CHALLENGER))
    if champion == verdict.version_name:
        return
    if beside != verdict.version_name:
        message = (
            f"{verdict.version_name} was judged as challenger; "
            f"now the challenger of {model(workspace.project, workspace.target)} is {beside or 'nobody'}: "
            "have the gate judge again"
        )
        raise ChallengeRefused(message)


def judge_version(workspace: Workspace, version: Version) -> Verdict:
    """Ask the gate for a version that was trained before, on the held-out rows of the present data.

    Args:
        workspace: Session, project and environment.
        version: The version.

    Returns:
        The verdict.

    Raises:
        GateRefused: if any check fails.
        LeakageError: if the present training set gives the label away.
        ScoringError: if it takes other features than features.sql gives now, or tells other classes.
    """
    version_to_score(workspace, version.name)
    training_set = build_training_set(workspace)
    name = str(version.facts.get("candidate", version.name))
    metrics = {"kept": True, "metric": workspace.project.metric.name}
    candidate = Candidate(name, version.name, training_set, version.metrics, **metrics)  # type: ignore[arg-type]
    return decide(workspace, [evaluate(workspace, candidate)])
