"""Stage 4c: the gate judges the best candidate; its verdict is data, and nothing serves without it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from snowloop.errors import GateRefused, OverrideError
from snowloop.lifecycle.evaluation.results import Evaluation
from snowloop.lifecycle.gate.checks import CHECKS, GateCheck, trained
from snowloop.lifecycle.gate.selection import best_of, chosen
from snowloop.lifecycle.provenance import content_hash, git_commit
from snowloop.lifecycle.results import Result
from snowloop.project import Project
from snowloop.sql import run
from snowloop.workspace import Workspace


@dataclass(frozen=True)
class Override:
    """Somebody's word that a refused version shall serve all the same; it is recorded.

    Args:
        by: Who says so.
        reason: Why.

    Raises:
        OverrideError: if either is empty.
    """

    by: str
    reason: str

    def __post_init__(self) -> None:
        if not self.by.strip() or not self.reason.strip():
            message = (
                f"an override of the gate needs a name and a reason, given: name '{self.by}', reason '{self.reason}'"
            )
            raise OverrideError(message)


def override_of(by: str | None, reason: str | None) -> Override | None:
    """The override that two fields of a form ask for.

    Args:
        by: The name that was given, if any.
        reason: The reason that was given, if any.

    Returns:
        The override; None if both fields are empty.

    Raises:
        OverrideError: if one of them is given without the other.
    """
    name, why = (by or "").strip(), (reason or "").strip()
    return Override(name, why) if name or why else None


@dataclass(frozen=True)
class Verdict(Result):
    """What the gate decided; a verdict that exists as an object is one that passed, or was overridden.

    Args:
        verdict_id: Its id in OPS.VERDICTS; the last decision, when it is tried again, keeps its id.
        version_name: The version that was judged.
        champion: The champion at that time, or None.
        training_set: Fingerprint of the training set.
        checks: Every check.
        kept: Whether the version is the champion already.
        metric: Name of the metric that decides.
        override: Who let it pass although checks failed, and why.
        evaluation_id: The evaluation that was judged; empty if no candidate could be trained.
    """

    verdict_id: str
    version_name: str
    champion: str | None
    training_set: str
    checks: tuple[GateCheck, ...]
    kept: bool
    metric: str = ""
    override: Override | None = None
    evaluation_id: str = ""

    def summary(self) -> dict[str, int | float | str]:
        """The version, the figure that decided, and the checks passed."""
        passed = sum(check.passed for check in self.checks)
        value = next((check.value for check in self.checks if check.name == "BOUND"), None)
        figure: dict[str, int | float | str] = {} if value is None else {self.metric: round(value, 4)}
        checks = f"{passed} of {len(self.checks)}"
        told: dict[str, int | float | str] = {"overridden by": self.override.by} if self.override else {}
        return {**figure, "version": self.version_name, "checks passed": checks, **told, "kept": int(self.kept)}


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
        workspace: Session, project and environment.
        evaluations: The evaluation of each candidate.
        override: Somebody's word that a version which fails shall serve; it is recorded, and the checks stay failed.

    Returns:
        The verdict, if the candidate may serve.

    Raises:
        GateRefused: if any check fails, or no candidate could be trained; the message holds the reasons.
        OverrideError: if there is an override, but no version that could be promoted.
    """
    project = workspace.project
    best = best_of(project, evaluations)
    checks = judge(project, evaluations, best)
    failed = [check.reason for check in checks if not check.passed]
    if override and best is None:
        message = f"{override.by} cannot override the gate of project {project.name}: {'; '.join(failed)}"
        raise OverrideError(message)
    used = override if failed else None
    if used:
        checks.append(GateCheck("OVERRIDE", passed=True, reason=f"{used.by}: {used.reason}", value=len(failed)))
    verdict = _verdict(project, best or (evaluations[0] if evaluations else None), checks, used)
    verdict = _record(workspace, verdict)
    if failed and used is None:
        message = f"the gate of project {project.name} refuses {verdict.version_name}: {'; '.join(failed)}"
        raise GateRefused(message, verdict.verdict_id)
    return verdict


def _verdict(
    project: Project, judged: Evaluation | None, checks: Sequence[GateCheck], override: Override | None
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
    names = {"database": workspace.database, "git_commit": git_commit(project)}
    content = _content(project, verdict, names["git_commit"])
    newest = run(workspace.session, "gate/newest.sql", **names, model_name=project.model_name, version=None)
    if newest and newest[0]["CONTENT"] == content:
        return replace(verdict, verdict_id=newest[0]["VERDICT_ID"])
    verdict = replace(verdict, verdict_id=content_hash(content, newest[0]["VERDICT_ID"] if newest else None))
    run(workspace.session, "gate/record.sql", **names, model=project.model_name, verdict=verdict, content=content)
    return verdict


def _content(project: Project, verdict: Verdict, git_commit: str) -> str:
    """Hash of the question and of the answer."""
    # A time differs from run to run: whether it passed belongs to the answer, the figure does not.
    answers = [
        [check.name, check.passed, None if check.name == "LATENCY" else [check.value, check.baseline, check.reason]]
        for check in verdict.checks
    ]
    rules = [part.model_dump() for part in (project.metric, project.evaluation, project.gate, project.leakage)]
    return content_hash(verdict.version_name, verdict.champion, verdict.training_set, git_commit, rules, answers)


def judge(project: Project, evaluations: Sequence[Evaluation], best: Evaluation | None) -> list[GateCheck]:
    """All checks of the gate; a pure function.

    Args:
        project: The project.
        evaluations: The evaluation of each candidate.
        best: The candidate that is judged.

    Returns:
        The checks, each passed or not, with its reason.
    """
    checks = [trained(evaluations)]
    if best is not None:
        judged = chosen(project, evaluations, best)
        checks += [check(project, judged) for check in CHECKS.values()]
    return checks
