"""Stage 4d: with `refit: all`, what the gate let pass is trained on all labelled rows, and judged as such."""

from collections.abc import Callable, Mapping
from dataclasses import replace

from snowloop.checks import Check
from snowloop.lifecycle.evaluation.evaluate import ask_refitted
from snowloop.lifecycle.evaluation.results import Evaluation
from snowloop.lifecycle.features.baseline import copy_score_baseline
from snowloop.lifecycle.features.training_set import TrainingSet
from snowloop.lifecycle.gate.checks import latency, robust, size, skew
from snowloop.lifecycle.gate.gate import settle
from snowloop.lifecycle.gate.verdict import Verdict
from snowloop.lifecycle.training.refit import train_on_all_rows
from snowloop.lifecycle.training.train import Candidate
from snowloop.lifecycle.versions import Version, versions
from snowloop.project import Project
from snowloop.workspace import Workspace

NAME = "REFIT"
ASKED_AGAIN: Mapping[str, Callable[[Project, Evaluation], Check]] = {
    "SKEW": skew,
    "ROBUST": robust,
    "SIZE": size,
    "LATENCY": latency,
}
"""The checks that can be asked of a version without rows that are held out of it."""


def refit(workspace: Workspace, verdict: Verdict, training_set: TrainingSet) -> Verdict:
    """Train what the gate let pass on all labelled rows, and judge the new version.

    The judged version stays in the Registry. A call that was interrupted is completed by the same call: the verdict on
    the new version is written last, and without it nothing is promoted.

    Args:
        verdict: The gate's verdict on the judged version.
        training_set: The training set on which it was judged.

    Returns:
        The verdict on the new version, by which it may be promoted.

    Raises:
        GateRefused: if a check that is asked of the new version fails.
        TrainingError: if it could not be trained on all rows.
    """
    judged = next(each for each in versions(workspace) if each.name == verdict.version_name)
    refitted = train_on_all_rows(workspace, training_set, judged)
    copy_score_baseline(workspace, training_set.fingerprint, judged.name, refitted.version_name)
    return judge_refitted(workspace, verdict, refitted, judged)


def judge_refitted(workspace: Workspace, verdict: Verdict, refitted: Candidate, judged: Version) -> Verdict:
    """The verdict on a version that was trained on all rows: that on the judged one, and what can be asked of itself.

    Args:
        verdict: The gate's verdict on the judged version.
        refitted: The version that was trained on all rows, with the training set by which the other one was judged.
        judged: The judged version.

    Returns:
        The verdict; it names the judged version.

    Raises:
        GateRefused: if SKEW, ROBUST, SIZE, LATENCY or REFIT fails.
    """
    project, asked = workspace.project, ask_refitted(workspace, refitted, judged)
    again = {name: ask(project, asked) for name, ask in ASKED_AGAIN.items()}
    kept = [check for check in verdict.checks if check.name != "OVERRIDE"]
    checks = [again.get(check.name) or replace(check, reason=f"of {judged.name}: {check.reason}") for check in kept]
    new = replace(
        verdict,
        verdict_id="",
        version_name=refitted.version_name,
        checks=(*checks, keeps_quality(project, asked, judged.name)),
        kept=verdict.champion == refitted.version_name,
        judged=judged.name,
        override=None,
    )
    return settle(workspace, new, verdict.override, f"is not promoted in place of {judged.name} (refit: all)")


def keeps_quality(project: Project, asked: Evaluation, judged: str) -> Check:
    """REFIT: on the rows that judged the other version, which it was trained on, the new one is not worse.

    That is necessary, and no proof of quality: a model that was trained on rows looks better there than it is. One that
    is worse all the same was not fitted as the judged one was.
    """
    metric = project.metric
    value, other = asked.metrics.get(metric.name), asked.champion_metrics.get(metric.name)
    if value is None or other is None:
        reason = f"{metric.name} of {'the refitted version' if value is None else judged} is missing"
        return Check.of(NAME, passed=False, reason=reason, baseline=other)
    gain, tolerated = value - other if metric.higher_is_better else other - value, metric.tolerated(other)
    rows = asked.candidate.training_set.rows
    reason = (
        f"trained on all {rows} labelled rows; figures on held-out rows are those of {judged}. On these rows, which it "
        f"was trained on, {metric.name} is {value:.4f}, {judged} has {other:.4f}, a difference of {tolerated:.4g} is "
        "tolerated"
    )
    return Check.of(NAME, passed=gain >= -tolerated, reason=reason, value=gain, bound=-tolerated, baseline=other)
