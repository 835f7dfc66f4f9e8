"""Tries a change before it is merged, in a disposable database: kind, plan, verdict, score difference and cost.

Where the target exists it is cloned. Where there is none, as on a local Snowflake, what the base declares is built in
the disposable database first: with the rows of the project's own data, and the version that the base trains as the one
that serves.
"""

from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Literal

from snowloop.checks import Check
from snowloop.errors import GateRefused, SnowloopError
from snowloop.lifecycle.champion.challenger import judge_version
from snowloop.lifecycle.champion.promote import promote
from snowloop.lifecycle.ci.base import Base
from snowloop.lifecycle.ci.cost import Cost, Meter
from snowloop.lifecycle.ci.difference import ScoreDifference, compare_scores
from snowloop.lifecycle.ci.trial import LIFETIME, bring_versions, has_database, has_rows, keep_some_rows, trial_of
from snowloop.lifecycle.data.environment import apply_environment, create_environment
from snowloop.lifecycle.data.load import load_files
from snowloop.lifecycle.data.validate import check_contract
from snowloop.lifecycle.delivery.smoke import scores_one_row
from snowloop.lifecycle.deployment.environment import plan_environment
from snowloop.lifecycle.deployment.plan import Plan
from snowloop.lifecycle.evaluation.evaluate import evaluate
from snowloop.lifecycle.features.training_set import build_training_set
from snowloop.lifecycle.fingerprints import (
    STAGES,
    ChangeKind,
    change_kind,
    fingerprints,
    record_fingerprints,
    recorded_fingerprints,
)
from snowloop.lifecycle.gate.gate import decide
from snowloop.lifecycle.gate.verdict import Verdict
from snowloop.lifecycle.provenance import git_commit
from snowloop.lifecycle.report.collect import collect
from snowloop.lifecycle.report.render import markdown as card_markdown
from snowloop.lifecycle.results import Result
from snowloop.lifecycle.scoring.deployment import plan_deployment
from snowloop.lifecycle.training.train import train_candidate
from snowloop.lifecycle.versions import Version, champion, versions
from snowloop.project import Project
from snowloop.workspace import Workspace

TRIED = ("retrain", "judge")
"""Kinds of change for which versions are measured."""
Outcome = Literal["passed", "refused"]
Asked = Literal["trained", "judged again", "not asked"]


@dataclass(frozen=True)
class Review(Result):
    """What was found about a change.

    Args:
        project: Name of the project.
        target: The target against which it was tried.
        commit: The commit of the change.
        compared_with: What it was compared with, in words.
        outcome: Whether the change may be merged.
        reasons: Why not.
        change: What kind of change it is, compared with the target, or with the base where there is no target.
        of_branch: What kind of change it is, compared with the base; None if no base is named.
        plan: What ``apply`` would do in the target.
        asked: Whether versions were trained, or the serving one was judged again.
        version: The version that was judged; None if none was.
        serving: The version that serves; None if there is none.
        checks: The checks of the gate; and ROW, whether the version scores inside Snowflake.
        card: The model card of the verdict in Markdown; empty without a verdict.
        difference: The score difference of both versions; None if there are not two.
        cost: What the trial cost.
        notes: What a reader has to know besides.
    """

    project: str
    target: str
    commit: str
    compared_with: str
    outcome: Outcome
    reasons: tuple[str, ...]
    change: ChangeKind | None
    of_branch: ChangeKind | None
    plan: str
    asked: Asked
    version: str | None
    serving: str | None
    checks: tuple[Check, ...]
    card: str
    difference: ScoreDifference | None
    cost: Cost
    notes: tuple[str, ...] = ()

    def summary(self) -> dict[str, int | float | str]:
        """Outcome, kind of change and time."""
        kind = self.change.kind if self.change else "unknown"
        return {"outcome": self.outcome, "change": kind, "seconds": round(self.cost.seconds, 1)}


@dataclass
class _Trial:
    """A trial, and what it has found so far."""

    source: Workspace
    workspace: Workspace
    meter: Meter
    base: Workspace | None
    base_name: str
    change: ChangeKind | None = None
    plan: str = ""
    compared_with: str = ""
    asked: Asked = "not asked"
    serving: Version | None = None
    verdict_id: str = ""
    reasons: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def review(
    source: Workspace,
    *,
    base: Base | None = None,
    deployed: bool = True,
    data: Path | None = None,
    lifetime: timedelta = LIFETIME,
) -> Review:
    """Try the declaration of a project against a target; nothing of the target is changed.

    Args:
        source: The workspace of the target, with the declaration that is tried.
        base: The declaration into which it is to be merged; None: it is not compared with one.
        deployed: Whether the session is that of the target; if not, nothing of the target is looked for.
        data: Folder of the files, where there is no target to clone; None: what the project ships.
        lifetime: How long the sweep leaves the disposable database alone.

    Returns:
        What was found. A refusal, and a declaration that does not work, are findings: nothing is raised for them.

    Raises:
        snowflake.snowpark.exceptions.SnowparkSQLException: if Snowflake rejects a statement of Snowloop's own.
    """
    clone = deployed and has_database(source)
    with trial_of(source, clone=clone, lifetime=lifetime) as workspace:
        before = _at_base(workspace, source, base.project) if base and base.project else None
        trial = _Trial(source, workspace, Meter(workspace), before, base.name if base else "")
        if base and base.missing:
            trial.notes.append(f"The change is not compared with a base: {base.missing}.")
        try:
            if clone:
                _begin_with_clone(trial, data)
            else:
                _begin_empty(trial, data)
            _ask(trial)
        except SnowloopError as error:
            trial.reasons.append(str(error))
            if isinstance(error, GateRefused):
                trial.verdict_id = error.verdict_id
        return _found(trial)


def _at_base(workspace: Workspace, source: Workspace, base: Project) -> Workspace:
    """The disposable database as the base declares it, with the targets of today."""
    project = base.with_trial(workspace.target, source.target, source.project.targets)
    return replace(workspace, project=project.in_target(workspace.target))


def _begin_with_clone(trial: _Trial, data: Path | None) -> None:
    """The target's own rows, and the version that serves there; the project's data where the target has no rows yet."""
    source, workspace = trial.source, trial.workspace
    trial.compared_with = f"a clone of {source.database}, target {source.target}"
    with trial.meter.stage("plan"):
        plan = plan_deployment(source)
    trial.change, trial.plan = plan.change_kind, _lines(plan.environment, plan.loop)
    plan.environment.check()
    with trial.meter.stage("clone"):
        trial.serving = bring_versions(source, workspace)
        apply_environment(workspace, plan_environment(workspace))
    if trial.serving and plan.loop:
        plan.loop.check()
    if not has_rows(workspace):
        files = data or workspace.project.data_dir
        trial.notes.append(f"{source.database} has no rows yet: the trial is with the files of {files}.")
        with trial.meter.stage("load"):
            load_files(workspace, files)
    if trial.serving is None:
        trial.notes.append(f"No version serves in {source.target} yet: there is nothing to compare with.")
    with trial.meter.stage("contract"):
        check_contract(workspace)
    if trial.change.kind in TRIED:
        _keep_some_rows(trial)


def _begin_empty(trial: _Trial, data: Path | None) -> None:
    """What the base declares, then the change on top of it, with the rows of the project's own data."""
    workspace, base, meter = trial.workspace, trial.base, trial.meter
    trial.compared_with = f"{trial.base_name}, built for this trial" if base else "nothing: there is no base"
    trial.notes.append(
        f"There is no {trial.source.database} on this connection: the trial is in an empty database, with "
        f"{'the files of ' + str(data) if data else 'the data of the project'}."
    )
    with meter.stage("environment"):
        if base:
            create_environment(base)
            record_fingerprints(base, "trained", "judged", "deployed")
        plan = plan_environment(workspace)
        trial.change = change_kind(workspace.project, recorded_fingerprints(workspace) if base else {})
        had = trial.base_name if base else "nothing"
        trial.plan = _lines(replace(plan, target=f"{trial.source.target}, as {had} has it"))
        apply_environment(workspace, plan)
    with meter.stage("load"):
        load_files(workspace, data or workspace.project.data_dir)
    with meter.stage("contract"):
        check_contract(workspace)
    if trial.change.kind not in TRIED:
        return
    _keep_some_rows(trial)
    if base is None:
        return
    try:
        with meter.stage("train the base"):
            promote(base, _train(base))
    except SnowloopError as error:
        trial.notes.append(f"No version of {trial.base_name} serves here to compare with: {error}")
    trial.serving = champion(workspace)


def _ask(trial: _Trial) -> None:
    """Train, or judge again, or neither; then score a row inside Snowflake."""
    workspace, kind, serving = trial.workspace, trial.change.kind if trial.change else "none", trial.serving
    if kind == "retrain":
        trial.asked = "trained"
        with trial.meter.stage("train and judge"):
            trial.verdict_id = _train(workspace).verdict_id
    elif kind == "judge" and serving:
        trial.asked = "judged again"
        with trial.meter.stage("judge again"):
            trial.verdict_id = judge_version(workspace, serving).verdict_id
    elif kind == "judge":
        trial.notes.append("No version serves that could be judged again.")


def _keep_some_rows(trial: _Trial) -> None:
    rows, most = keep_some_rows(trial.workspace), trial.workspace.project.ci.training_rows
    if rows is None:
        trial.notes.append("The source is a table that others fill: all of its rows are used.")
    elif rows > most:
        trial.notes.append(f"{most:,} of the {rows:,} rows are used (ci.training_rows).")


def _train(workspace: Workspace) -> Verdict:
    """The verdict on the candidates, trained on the rows that the database has."""
    training_set = build_training_set(workspace)
    trained = [train_candidate(workspace, training_set, each) for each in workspace.project.expanded_candidates]
    return decide(workspace, [evaluate(workspace, each) for each in trained])


def _found(trial: _Trial) -> Review:
    source, workspace, serving = trial.source, trial.workspace, trial.serving
    card = collect(workspace, verdict_id=trial.verdict_id) if trial.verdict_id else None
    registered = {each.name: each for each in versions(workspace)} if card or serving else {}
    version = registered.get(card.verdict.version) if card else None
    checks = list(card.verdict.checks) if card else []
    scored = version or serving
    if scored and not trial.reasons:
        with trial.meter.stage("score a row"):
            checks.append(scores_one_row(workspace, scored.name))
        trial.reasons += [check.reason for check in checks if check.name == "ROW" and check.failed]
    return Review(
        source.project.name,
        source.target,
        git_commit(source.project),
        trial.compared_with,
        "refused" if trial.reasons else "passed",
        tuple(trial.reasons),
        trial.change,
        _kind_between(workspace.project, trial.base.project) if trial.base else None,
        trial.plan,
        trial.asked,
        version.name if version else None,
        serving.name if serving else None,
        tuple(checks),
        card_markdown(replace(card, target=f"a trial against {source.target}")) if card else "",
        _difference(trial, version, serving),
        trial.meter.cost(),
        tuple(trial.notes),
    )


def _difference(trial: _Trial, version: Version | None, serving: Version | None) -> ScoreDifference | None:
    """The score difference of two versions, also of one that the gate refuses; None if there are not two."""
    if version is None or serving is None or version.name == serving.name:
        return None
    try:
        with trial.meter.stage("score difference"):
            return compare_scores(trial.workspace, version, serving)
    except SnowloopError as error:
        trial.notes.append(f"The scores of {version.name} and {serving.name} cannot be compared: {error}")
        return None


def _kind_between(project: Project, base: Project) -> ChangeKind:
    now = fingerprints(base)
    return change_kind(project, dict.fromkeys(STAGES.values(), now))


def _lines(*parts: Plan | None) -> str:
    return "\n".join(part.text() for part in parts if part)
