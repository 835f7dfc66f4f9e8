"""The DAGs of a project, and the groups of tasks that they share."""

from __future__ import annotations

from typing import Literal

from airflow.sdk import DAG, BaseOperator, CronTriggerTimetable, Param, TaskGroup

from snowloop.airflow import TAG, VERDICT_KEY
from snowloop.airflow.operators.challenge import (
    COMPARISON_KEY,
    ChallengeOperator,
    JudgeChallengerOperator,
    PromoteChallengerOperator,
)
from snowloop.airflow.operators.evidence import MonitorOperator, ReportOperator
from snowloop.airflow.operators.stages import (
    ContractOperator,
    DeployScoringOperator,
    EnvironmentOperator,
    EvaluateOperator,
    GateOperator,
    LoadOperator,
    PlanScoringOperator,
    PromoteOperator,
    ReconcileOperator,
    TrainingSetOperator,
    TrainOperator,
)
from snowloop.airflow.operators.wait import AwaitScoresOperator
from snowloop.project import Project

REPORT = "report"


def project_dag(
    project: Project,
    name: str,
    *,
    about: str | None,
    params: dict[str, Param],
    schedule: str | None = None,
) -> DAG:
    """Make one DAG of a project, still without tasks.

    Args:
        name: What it does; the DAG is called ``<project>__<name>``.
        about: Its documentation: the docstring of its DAG file.
        params: Its form.
        schedule: Cron expression or preset such as ``@weekly``, in UTC; triggered by hand when None. A scheduled DAG is
            paused at creation: a person unpauses it when the project's environment and data exist.

    Returns:
        The DAG, to be filled in a ``with`` block.
    """
    summary = (about or name).strip()
    return DAG(
        f"{project.name}__{name}",
        dag_display_name=f"{project.name} · {name.replace('_', ' ')}",
        description=summary.splitlines()[0],
        doc_md=f"### {project.name}: {name.replace('_', ' ')}\n\n{summary}\n\n{project.description}",
        schedule=CronTriggerTimetable(schedule, timezone="UTC") if schedule else None,
        is_paused_upon_creation=True if schedule else None,
        catchup=False,
        max_active_runs=1,
        params=params,
        tags=[TAG, project.name, name, *project.tags],
        default_args={"owner": ", ".join(project.owners) or TAG},
    )


def environment_group(project: Project) -> TaskGroup:
    """Draw the tasks that create a project's environment.

    Returns:
        The group ``environment``.
    """
    with TaskGroup("environment", tooltip="Database, schemas, stage and tables") as group:
        EnvironmentOperator(task_id="create", project=project.name)
    return group


def train_group(project: Project, part: Literal["initial", "all"]) -> TaskGroup:
    """Draw the tasks from files to a champion: nothing is promoted that the gate has not accepted.

    The task ``report`` is outside the group and follows the gate, whether it accepted or refused.

    Args:
        part: Which files are loaded first: ``initial`` or ``all``.

    Returns:
        The group ``train``.
    """
    with TaskGroup("train", tooltip="Files to champion") as group:
        load = LoadOperator(task_id="load", project=project.name, part=part)
        contract = ContractOperator(task_id="contract", project=project.name)
        training_set = TrainingSetOperator(task_id="training_set", project=project.name)
        candidates = TrainOperator.partial(
            task_id="candidate",
            project=project.name,
            training_set=training_set.output,
            map_index_template="{{ task.candidate }}",
        ).expand(candidate=[candidate.name for candidate in project.expanded_candidates])
        evaluations = EvaluateOperator.partial(
            task_id="evaluate",
            project=project.name,
            map_index_template="{{ task.candidate['name'] }}",
        ).expand(candidate=candidates.output)
        gate = GateOperator(task_id="gate", project=project.name, evaluations=evaluations.output)
        load >> contract >> training_set >> candidates >> evaluations >> gate
        following = _promotion(project, gate)
    # Outside the group, so that what comes after the group does not wait for it.
    verdict_id = f"{{{{ ti.xcom_pull(task_ids='{gate.task_id}', key='{VERDICT_KEY}') or '' }}}}"
    report = ReportOperator(task_id=REPORT, project=project.name, verdict_id=verdict_id)
    gate >> report
    if project.approval.targets:
        report >> following
    return group


def _promotion(project: Project, gate: GateOperator) -> BaseOperator:
    """Draw what follows the gate: the promotion, after a person's approval where an environment requires it.

    A person decides on the report, so the approval follows it.
    """
    if not project.approval.targets:
        promote = PromoteOperator(task_id="promote", project=project.name, verdict=gate.output)
        gate >> promote
        return promote
    from snowloop.airflow.operators.approval import ApproveOperator

    text = f"{{{{ ti.xcom_pull(task_ids='{REPORT}')['text'] }}}}"
    approve = ApproveOperator(task_id="approve", project=project.name, verdict=gate.output, report=text)
    promote = PromoteOperator(task_id="promote", project=project.name, verdict=gate.output, approval=approve.output)
    gate >> approve >> promote
    return approve


def challenge_tasks(project: Project) -> None:
    """Draw the tasks for the action that the form names: one of two branches runs, the other is skipped.

    A promotion is decided by the gate and, where an environment requires it, by a person who sees the comparison.
    """
    ChallengeOperator(task_id="challenge", project=project.name)
    judge = JudgeChallengerOperator(task_id="judge", project=project.name)
    if not project.approval.targets:
        PromoteChallengerOperator(task_id="promote", project=project.name, verdict=judge.output)
        return
    from snowloop.airflow.operators.approval import ApproveOperator

    shown = f"{{{{ ti.xcom_pull(task_ids='{judge.task_id}', key='{COMPARISON_KEY}') }}}}"
    approve = ApproveOperator(task_id="approve", project=project.name, verdict=judge.output, report=shown)
    PromoteChallengerOperator(task_id="promote", project=project.name, verdict=judge.output, approval=approve.output)


def score_group(project: Project) -> TaskGroup:
    """Draw the tasks that deploy scoring, bring in every new file, and wait for the native tasks to score it.

    Returns:
        The group ``score``.
    """
    with TaskGroup("score", tooltip="New rows to scores, by native tasks") as group:
        plan = PlanScoringOperator(task_id="plan", project=project.name)
        deploy = DeployScoringOperator(task_id="deploy", project=project.name)
        arrive = LoadOperator(task_id="arrive", project=project.name, part="all")
        await_scores = AwaitScoresOperator(task_id="await_scores", project=project.name, arrived=arrive.output)
        reconcile = ReconcileOperator(task_id="reconcile", project=project.name)

        plan >> deploy >> arrive >> await_scores >> reconcile
    return group


def replay_group(project: Project) -> TaskGroup:
    """Draw the tasks that deploy scoring and deliver the held-back files one after the other, each scored on arrival.

    The last task monitors what serves, as ``<project>__health`` does.

    Args:
        project: The declared project; ``replay.batches`` says how many files arrive.

    Returns:
        The group ``score``; that of ``score_group`` for a project that declares no replay.
    """
    if project.replay is None:
        return score_group(project)
    with TaskGroup("score", tooltip="Arriving files to scores, by native tasks") as group:
        plan = PlanScoringOperator(task_id="plan", project=project.name)
        before: BaseOperator = DeployScoringOperator(task_id="deploy", project=project.name)
        plan >> before
        for number in range(1, project.replay.batches + 1):
            arrive = LoadOperator(task_id=f"arrive_{number}", project=project.name, part="arrivals", only=str(number))
            scores = AwaitScoresOperator(task_id=f"await_scores_{number}", project=project.name, arrived=arrive.output)
            before >> arrive >> scores
            before = scores
        reconcile = ReconcileOperator(task_id="reconcile", project=project.name)
        before >> reconcile >> MonitorOperator(task_id="monitor", project=project.name)
    return group
