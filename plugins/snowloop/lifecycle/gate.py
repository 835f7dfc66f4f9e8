"""Stage 4c: the gate judges the best candidate; its verdict is data, and nothing serves without it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from snowloop.errors import GateRefused, OverrideError
from snowloop.lifecycle.code import content_hash, git_commit
from snowloop.lifecycle.gate_checks import CHECKS, GateCheck, trained
from snowloop.lifecycle.measured import Evaluation
from snowloop.lifecycle.results import Result
from snowloop.project import Project
from snowloop.sql import run

if TYPE_CHECKING:
    from snowflake.snowpark import Session


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
        verdict_id: Its id in OPS.VERDICTS: the same question gets the same id.
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
    session: "Session",
    project: Project,
    target: str,
    evaluations: Sequence[Evaluation],
    *,
    override: Override | None = None,
) -> Verdict:
    """Judge the best candidate, and write every check into OPS.VERDICTS.

    Args:
        session: A Snowpark session.
        project: The project.
        target: The environment.
        evaluations: The evaluation of each candidate.
        override: Somebody's word that a version which fails shall serve; it is recorded, and the checks stay failed.

    Returns:
        The verdict, if the candidate may serve.

    Raises:
        GateRefused: if any check fails, or no candidate could be trained; the message holds the reasons.
        OverrideError: if there is an override, but no version that could be promoted.
    """
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
    run(
        session,
        "gate/record.sql",
        database=project.database(target),
        model=project.model_name,
        verdict=verdict,
        git_commit=git_commit(project),
    )
    if failed and used is None:
        message = f"the gate of project {project.name} refuses {verdict.version_name}: {'; '.join(failed)}"
        raise GateRefused(message, verdict.verdict_id)
    return verdict


def _verdict(
    project: Project, judged: Evaluation | None, checks: Sequence[GateCheck], override: Override | None
) -> Verdict:
    version = judged.candidate.version_name if judged else "none"
    fingerprint = judged.candidate.training_set.fingerprint if judged else "none"
    champion = judged.champion if judged else None
    # A time differs from run to run: whether it passed belongs to the verdict's id, the figure does not.
    answers = [
        [check.name, check.passed, None if check.name == "LATENCY" else [check.value, check.baseline, check.reason]]
        for check in checks
    ]
    rules = [part.model_dump() for part in (project.metric, project.evaluation, project.gate, project.leakage)]
    return Verdict(
        content_hash(version, champion, fingerprint, rules, answers),
        version,
        champion,
        fingerprint,
        tuple(checks),
        kept=version == champion,
        metric=project.metric.name,
        override=override,
        evaluation_id=judged.evaluation_id if judged else "",
    )


def best_of(project: Project, evaluations: Sequence[Evaluation]) -> Evaluation | None:
    """The candidate with the best value of the project's metric; without a value, any that was trained.

    Of equals the champion is best, then the one declared first.

    Args:
        project: The project.
        evaluations: The evaluation of each candidate.

    Returns:
        The best, or None if no candidate could be trained.
    """
    best: Evaluation | None = None
    for evaluation in evaluations:
        if evaluation.candidate.error:
            continue
        value = evaluation.metrics.get(project.metric.name)
        reigning = best.metrics.get(project.metric.name) if best else None
        better = value is not None and (reigning is None or project.is_better(value, reigning))
        equal_champion = value == reigning and evaluation.candidate.version_name == evaluation.champion
        if best is None or better or equal_champion:
            best = evaluation
    return best


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
        checks += [check(project, best) for check in CHECKS.values()]
    return checks
