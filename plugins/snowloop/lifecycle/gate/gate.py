"""Stage 4c: the gate judges the best candidate; its verdict is data, and nothing serves without it."""

from collections.abc import Sequence
from dataclasses import replace

from snowloop.checks import VERDICTS, Check, record
from snowloop.errors import GateRefused, OverrideError
from snowloop.lifecycle.evaluation.results import Evaluation
from snowloop.lifecycle.gate.checks import CHECKS, trained
from snowloop.lifecycle.gate.selection import best_of, selected
from snowloop.lifecycle.gate.verdict import Override, Verdict
from snowloop.lifecycle.provenance import content_hash, git_commit
from snowloop.project import Project
from snowloop.workspace import Workspace


def decide(
    workspace: Workspace,
    evaluations: Sequence[Evaluation],
    *,
    override: Override | None = None,
) -> Verdict:
    """Judge the best candidate, and write every check into OPS.VERDICTS.

    Each decision is recorded, with an id and a time of its own, so that the newest one is the one that holds. What is
    decided again with the same outcome, and nothing decided in between, is the same decision tried again (after a lost
    connection, say): it is there already.

    Args:
        evaluations: The evaluation of each candidate.
        override: A person's decision that a version which fails serves all the same; it is recorded, and the checks
            stay failed.

    Returns:
        The verdict, if the candidate may serve.

    Raises:
        GateRefused: if any check fails, or no candidate could be trained; the message holds the reasons.
        OverrideError: if there is an override, but no version that could be promoted.
    """
    project = workspace.project
    best = best_of(project, evaluations)
    checks = judge(project, evaluations, best)
    failed = [check.reason for check in checks if check.failed]
    if override and best is None:
        message = f"{override.by} cannot override the gate of project {project.name}: {'; '.join(failed)}"
        raise OverrideError(message)
    used = override if failed else None
    if used:
        checks.append(Check.of("OVERRIDE", passed=True, reason=f"{used.by}: {used.reason}", value=len(failed)))
    verdict = _verdict(project, best or (evaluations[0] if evaluations else None), checks, used)
    verdict = _record(workspace, verdict)
    if failed and used is None:
        message = f"the gate of project {project.name} refuses {verdict.version_name}: {'; '.join(failed)}"
        raise GateRefused(message, verdict.verdict_id)
    return verdict


def _verdict(
    project: Project, judged: Evaluation | None, checks: Sequence[Check], override: Override | None
) -> Verdict:
    version = judged.candidate.version_name if judged else "none"
    champion = judged.champion if judged else None
    return Verdict(
        "",
        version,
        champion,
        judged.candidate.training_set.fingerprint if judged else "none",
        tuple(checks),
        kept=version == champion,
        metric=project.metric.name,
        override=override,
        evaluation_id=judged.evaluation_id if judged else "",
    )


def _record(workspace: Workspace, verdict: Verdict) -> Verdict:
    """The verdict with its id, which follows from what was decided and from the decision before."""
    project = workspace.project
    commit = git_commit(project)
    content = _content(project, verdict, commit)
    newest = workspace.run("gate/queries.sql#newest", model_name=project.model_name, version=None)
    if newest and newest[0]["CONTENT"] == content:
        return replace(verdict, verdict_id=newest[0]["VERDICT_ID"])
    verdict = replace(verdict, verdict_id=content_hash(content, newest[0]["VERDICT_ID"] if newest else None))
    record(
        workspace,
        VERDICTS,
        verdict.checks,
        verdict_id=verdict.verdict_id,
        model_name=project.model_name,
        model_version=verdict.version_name,
        training_set=verdict.training_set,
        git_commit=commit,
        evaluation_id=verdict.evaluation_id,
        champion=verdict.champion,
        content=content,
    )
    return verdict


def _content(project: Project, verdict: Verdict, git_commit: str) -> str:
    """Hash of the question and of the answer."""
    # A time differs from run to run: whether it passed belongs to the answer, the figure does not.
    answers = [
        [check.name, check.outcome, None if check.name == "LATENCY" else [check.value, check.baseline, check.reason]]
        for check in verdict.checks
    ]
    rules = [part.model_dump() for part in (project.metric, project.evaluation, project.gate, project.leakage)]
    return content_hash(verdict.version_name, verdict.champion, verdict.training_set, git_commit, rules, answers)


def judge(project: Project, evaluations: Sequence[Evaluation], best: Evaluation | None) -> list[Check]:
    """All checks of the gate; a pure function.

    Args:
        evaluations: The evaluation of each candidate.
        best: The candidate that is judged.

    Returns:
        The checks, each with its outcome and reason.
    """
    checks = [trained(evaluations)]
    if best is not None:
        judged = selected(project, evaluations, best)
        checks += [check(project, judged) for check in CHECKS.values()]
    return checks
