"""Stage 4c: the gate judges the best candidate; its verdict is data, and nothing serves without it."""

import json
from collections.abc import Sequence
from dataclasses import replace

from snowloop.checks import VERDICTS, Check, record
from snowloop.errors import GateRefused, OverrideError
from snowloop.lifecycle.deployment.schema_version import check_release
from snowloop.lifecycle.evaluation.results import Evaluation
from snowloop.lifecycle.fingerprints import record_fingerprints
from snowloop.lifecycle.gate.checks import CHECKS, surpasses, trained
from snowloop.lifecycle.gate.choice import choose, past
from snowloop.lifecycle.gate.verdict import Override, Verdict
from snowloop.lifecycle.provenance import content_hash, git_commit
from snowloop.lifecycle.training.train import version_name
from snowloop.project import PROTECTED, Project
from snowloop.sql import clock
from snowloop.workspace import Workspace


def decide(
    workspace: Workspace,
    evaluations: Sequence[Evaluation],
    *,
    override: Override | None = None,
) -> Verdict:
    """Judge the best candidate that keeps the other bounds, and write every check into OPS.VERDICTS.

    Each decision is recorded, with an id and a time of its own, so that the newest one is the one that holds. What is
    decided again with the same outcome, and nothing decided in between, is the same decision tried again (after a lost
    connection, say): it is there already.

    Args:
        evaluations: The evaluation of each candidate.
        override: A person's decision that a version serves although the checks that it names fail; it is recorded, and
            the checks stay failed.

    Returns:
        The verdict, if the candidate may serve.

    Raises:
        PlanRefused: if a later release has made the environment.
        GateRefused: if any check fails that the override does not name, or no candidate could be trained; the message
            holds the reasons.
        OverrideError: if the override names a check that must not be overridden, or has expired; or if there is no
            version that could be promoted.
    """
    check_release(workspace)
    project = workspace.project
    if override:
        _check_override(workspace, override)
    best = choose(project, evaluations, past(workspace, evaluations), override.checks if override else ())
    checks = judge(project, evaluations, best)
    failing = [check for check in checks if check.failed]
    failed = [check.reason for check in failing]
    if override and best is None:
        message = f"{override.by} cannot override the gate of project {project.name}: {'; '.join(failed)}"
        raise OverrideError(message)
    used = None
    if override and failing:
        failed = [check.reason for check in failing if check.name not in override.checks]
        if not failed:
            used = replace(override, checks=tuple(check.name for check in failing))
            checks.append(Check.of("OVERRIDE", passed=True, reason=str(used), value=len(failing)))
    verdict = _verdict(project, best or next(iter(evaluations), None), checks, used)
    trained_ones = [each.candidate.version_name for each in evaluations if not each.candidate.error]
    verdict = record_verdict(workspace, verdict, trained_ones)
    record_fingerprints(workspace, *(("trained", "judged") if _made_as_declared(project, evaluations) else ("judged",)))
    if failed and used is None:
        but = f", which the override by {override.by} does not name" if override else ""
        message = f"the gate of project {project.name} refuses {verdict.version_name}{but}: {'; '.join(failed)}"
        raise GateRefused(message, verdict.verdict_id)
    return verdict


def _made_as_declared(project: Project, evaluations: Sequence[Evaluation]) -> bool:
    """Whether the versions are those that training gives now, of every declared candidate; not one of earlier code."""
    judged = {each.candidate.version_name for each in evaluations}
    training_sets = {each.candidate.training_set.fingerprint: each.candidate.training_set for each in evaluations}
    declared = project.expanded_candidates
    return any(judged == {version_name(project, each, one) for one in declared} for each in training_sets.values())


def _check_override(workspace: Workspace, override: Override) -> None:
    """Refuse one that has expired, or that names no check, or one that nobody can override by the declaration."""
    overridable = [name for name in CHECKS if name not in PROTECTED or name in workspace.project.gate.overridable]
    refused = [name for name in override.checks if name not in overridable]
    if refused:
        message = (
            f"{override.by} cannot override {', '.join(refused)}: of the gate of project {workspace.project.name} "
            f"{', '.join(overridable)} can be overridden; {' and '.join(PROTECTED)} only where gate.overridable "
            "declares it"
        )
        raise OverrideError(message)
    if override.until is not None and override.until <= clock(workspace.session):
        message = f"the override by {override.by} is until {override.until_text} UTC, which is past: give a later time"
        raise OverrideError(message)


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
        surpasses=judged is not None and surpasses(project, judged),
    )


def settle(workspace: Workspace, verdict: Verdict, override: Override | None, refused: str) -> Verdict:
    """Record the verdict on a version that was judged before, elsewhere or with other rows; refuse if a check fails.

    Args:
        verdict: The verdict, without an override.
        override: The override that let the version pass before, or None: it counts for the checks that it names.
        refused: What is refused, in words behind the name of the version.

    Returns:
        The verdict with its id.

    Raises:
        GateRefused: if a check fails that the override does not name.
    """
    failing = [check for check in verdict.checks if check.failed]
    left = [check for check in failing if override is None or check.name not in override.checks]
    if override is not None and failing and not left:
        used = replace(override, checks=tuple(check.name for check in failing))
        recorded = Check.of("OVERRIDE", passed=True, reason=str(used), value=len(failing))
        verdict = replace(verdict, checks=(*verdict.checks, recorded), override=used)
    verdict = record_verdict(workspace, verdict, ())
    if left:
        message = f"{verdict.version_name} {refused}: {'; '.join(check.reason for check in left)}"
        raise GateRefused(message, verdict.verdict_id)
    return verdict


def record_verdict(workspace: Workspace, verdict: Verdict, candidates: Sequence[str]) -> Verdict:
    """Write every check of a verdict into OPS.VERDICTS, unless the same was decided last.

    Args:
        verdict: What was decided.
        candidates: Names of the versions that were compared; none of one that was judged before.

    Returns:
        The verdict with its id, which follows from what was decided and from the decision before.
    """
    project = workspace.project
    commit = git_commit(project)
    content = _content(project, verdict, commit)
    names = {"model_name": project.model_name, "version": None, "refits": verdict.judged is not None}
    newest = workspace.run("gate/queries.sql#newest", **names)
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
        candidates=json.dumps(candidates),
        valid_until=verdict.override.until_text if verdict.override else None,
        judged_version=verdict.judged,
    )
    return verdict


def _content(project: Project, verdict: Verdict, git_commit: str) -> str:
    """Hash of the question and of the answer."""
    answers = [
        [check.name, check.outcome, None if _differs_anyway(check) else [check.value, check.baseline, check.reason]]
        for check in verdict.checks
    ]
    rules = [part.model_dump() for part in (project.metric, project.evaluation, project.gate, project.leakage)]
    return content_hash(verdict.version_name, verdict.champion, verdict.training_set, git_commit, rules, answers)


def _differs_anyway(check: Check) -> bool:
    """Whether figures differ from run to run: a time, and the last bits where SQL and Python give the same scores."""
    return check.name == "LATENCY" or (check.name == "SKEW" and check.passed)


def judge(project: Project, evaluations: Sequence[Evaluation], best: Evaluation | None) -> list[Check]:
    """All checks of the gate; a pure function.

    Args:
        evaluations: The evaluation of each candidate.
        best: The candidate that is judged, with how it was selected; None if none could be trained.

    Returns:
        The checks, each with its outcome and reason.
    """
    checks = [trained(evaluations, best)]
    if best is not None:
        checks += [check(project, best) for check in CHECKS.values()]
    return checks
