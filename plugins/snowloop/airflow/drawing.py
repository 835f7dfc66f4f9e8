"""What DAGs are drawn with: one DAG of each project, and the groups of tasks that they share."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Any, Literal, NoReturn

from airflow.sdk import (
    DAG,
    Asset,
    AssetOrTimeSchedule,
    BaseOperator,
    CronTriggerTimetable,
    Param,
    TaskGroup,
    TriggerRule,
    get_parsing_context,
)
from airflow.sdk.definitions.callback import SyncCallback
from airflow.sdk.definitions.deadline import DeadlineAlert, DeadlineReference

from snowloop.airflow import TAG, VERDICT_KEY
from snowloop.airflow.assets import retrain_asset
from snowloop.airflow.notices import ProjectNotifier, approval_notifiers, failure_callbacks
from snowloop.airflow.operators.challenge import (
    COMPARISON_KEY,
    ChallengeOperator,
    JudgeChallengerOperator,
    PromoteChallengerOperator,
    ProposeChallengerOperator,
)
from snowloop.airflow.operators.delivery import CHECKS_KEY, DeliverOperator, SmokeOperator
from snowloop.airflow.operators.evidence import MonitorOperator, ReportOperator
from snowloop.airflow.operators.retraining import SettleRetrainingOperator
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
from snowloop.airflow.params import default_target
from snowloop.errors import ProjectError
from snowloop.project import Project, declared_projects, usable_projects
from snowloop.timeouts import Timeouts

REPORT = "report"


def draw_dags(*draws: Callable[[Project], DAG | None], problems: Iterable[str] = ()) -> dict[str, DAG]:
    """Draw the DAGs of each usable project; what cannot be drawn is an import error of the file, and stops no other.

    A task needs its own DAG alone, so no other project is read for it
    (https://airflow.apache.org/docs/apache-airflow/stable/howto/dynamic-dag-generation.html).

    Args:
        draws: Each draws one DAG of a project; None: the project has none of this kind.
        problems: What is an import error of the file besides, such as ``declaration_problems``.

    Returns:
        The DAGs by their ids, for the globals of a DAG file, where Airflow looks for them.
    """
    dags, found = {}, [*problems]
    project_of_task = (get_parsing_context().dag_id or "").rpartition("__")[0]
    for project, draw in itertools.product(usable_projects(project_of_task or None), draws):
        try:
            dag = draw(project)
            if dag is None:
                continue
            dag.validate()
        except Exception as error:  # noqa: BLE001 - shown as an import error, with the project's file
            reason = f"a DAG cannot be drawn ({type(error).__name__}: {error}): correct what is declared"
            found.append(f"{project.directory / 'project.yaml'}: {reason}")
        else:
            dags[dag.dag_id] = dag
    if found:
        dags["problems"] = _invalid_dag("\n".join(found))
    return dags


def declaration_problems() -> tuple[str, ...]:
    """The errors of declarations that cannot be used, one text with a line for each; none if all can be used.

    A task is not asked about the projects of others.
    """
    if get_parsing_context().dag_id:
        return ()
    try:
        declared_projects()
    except ProjectError as error:
        return (str(error),)
    return ()


def _invalid_dag(problem: str) -> DAG:
    """A DAG that Airflow refuses with a message: an exception in the file would take all other DAGs of it away."""

    class InvalidDag(DAG):
        def validate(self) -> NoReturn:
            raise ProjectError(problem)

    return InvalidDag("problems", schedule=None)


def project_dag(
    project: Project,
    name: str,
    *,
    about: str | None,
    params: dict[str, Param],
    schedule: str | None = None,
    asset: Asset | None = None,
    deadline: timedelta | None = None,
) -> DAG:
    """Make one DAG of a project, to be filled with tasks in a ``with`` block.

    Args:
        name: What it does; the DAG is called ``<project>__<name>``.
        about: Its documentation: the docstring of its module.
        params: Its form.
        schedule: Cron expression or preset such as ``@weekly``, in UTC; triggered by hand when None, or where the
            target that a scheduled run works on declares no schedules. A scheduled DAG is paused at creation: a person
            unpauses it when the project's environment and data exist.
        asset: An asset whose events trigger it as well, where there are schedules.
        deadline: How long after it was queued a run should be done; if it is not, the declared notifiers send that.
    """
    summary = (about or name).strip()
    when = _schedule(schedule, asset) if _scheduled(project) else None
    return DAG(
        f"{project.name}__{name}",
        dag_display_name=f"{project.name} · {name.replace('_', ' ')}",
        description=summary.splitlines()[0],
        doc_md=f"### {project.name}: {name.replace('_', ' ')}\n\n{summary}\n\n{project.description}",
        schedule=when,
        is_paused_upon_creation=True if when else None,
        deadline=_deadline(project, deadline) if deadline else None,
        catchup=False,
        dagrun_timeout=timedelta(seconds=Timeouts.declared().run) + project.approval.timeout,
        auto_register=False,
        max_active_runs=1,
        params=params,
        tags=[TAG, project.name, name, *project.tags],
        default_args={
            "owner": ", ".join(project.owners) or TAG,
            "on_failure_callback": failure_callbacks(project),
        },
    )


def _schedule(cron: str | None, asset: Asset | None) -> Any:
    """By the calendar, by events, by both, or None."""
    calendar = CronTriggerTimetable(cron, timezone="UTC") if cron else None
    if calendar and asset:
        return AssetOrTimeSchedule(timetable=calendar, assets=asset)
    return calendar or asset


def _deadline(project: Project, within: timedelta) -> DeadlineAlert:
    """A deadline that is counted from the moment at which a run is queued, so that a waiting run is late too."""
    notice = SyncCallback(ProjectNotifier, {"project": project.name, "notice": "deadline"})
    return DeadlineAlert(DeadlineReference.DAGRUN_QUEUED_AT, within, notice)


def _scheduled(project: Project) -> bool:
    """Whether the target of runs by a schedule, which is the default of the forms, has schedules."""
    declared = project.targets.find(default_target())
    return declared is None or declared.schedules


def environment_group(project: Project) -> TaskGroup:
    """Draw the group ``environment``: the tasks that create a project's environment."""
    with TaskGroup("environment", tooltip="Database, schemas, stage and tables") as group:
        EnvironmentOperator(task_id="create", project=project.name)
    return group


def train_group(project: Project, part: Literal["initial", "all"]) -> TaskGroup:
    """Draw the group ``train``, from files to a champion: nothing is promoted that the gate has not accepted.

    The task ``report`` is outside the group and follows the gate, whether it accepted or refused.

    Args:
        part: Which files are loaded first: ``initial`` or ``all``.
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
        text = f"{{{{ ti.xcom_pull(task_ids='{REPORT}')['text'] }}}}"
        following = _promotion(project, gate, PromoteOperator, text)
    # Outside the group, so that what comes after the group does not wait for it.
    verdict_id = f"{{{{ ti.xcom_pull(task_ids='{gate.task_id}', key='{VERDICT_KEY}') or '' }}}}"
    # A refused run needs its report most; it stays a failed one, because the gate's other branch has failed.
    rule = TriggerRule.ONE_DONE
    report = ReportOperator(task_id=REPORT, project=project.name, verdict_id=verdict_id, trigger_rule=rule)
    gate >> report
    if project.approval.targets:
        report >> following
    return group


def retraining_asset(project: Project) -> Asset | None:
    """The asset whose events start a training by themselves; None if no alert is declared to ask for one."""
    return retrain_asset(project.name, default_target()) if project.monitoring.retrain_on else None


def settle_retraining(project: Project, train: TaskGroup) -> None:
    """Draw the task that says in the alerts what became of a training that they had asked for.

    It is a teardown: it runs whatever became of the training, and the run is judged without it.
    """
    if not project.monitoring.retrain_on:
        return
    tasks = {task.task_id: task for task in train.iter_tasks()}
    gate, promote = (f"{train.group_id}.{name}" for name in ("gate", "promote"))
    settle = SettleRetrainingOperator(
        task_id="settle_retraining",
        project=project.name,
        verdict_id=f"{{{{ ti.xcom_pull(task_ids='{gate}', key='{VERDICT_KEY}') or '' }}}}",
        stages=list(tasks),
    )
    tasks[promote] >> settle.as_teardown()


def _promotion(project: Project, gate: BaseOperator, promote: type[PromoteOperator], report: str) -> BaseOperator:
    """Draw what follows the gate: the promotion, after a person's approval where an environment requires it.

    A person decides on the ``report``, which is templated.
    """
    task: dict[str, Any] = {"task_id": "promote", "project": project.name, "verdict": gate.output}
    if not project.approval.targets:
        return promote(**task)
    from snowloop.airflow.operators.approval import ApproveOperator

    notifiers = approval_notifiers(project)
    approve = ApproveOperator(**task | {"task_id": "approve", "report": report, "notifiers": notifiers})
    promote(**task, approval=approve.output)
    return approve


def challenge_tasks(project: Project) -> None:
    """Draw the tasks for the action that the form names: one of two branches runs, the other is skipped.

    A promotion is decided by the gate and, where an environment requires it, by a person who sees the comparison. So is
    a canary for a large share of the keys.
    """
    _challenge(project)
    judge = JudgeChallengerOperator(task_id="judge", project=project.name)
    shown = f"{{{{ ti.xcom_pull(task_ids='{judge.task_id}', key='{COMPARISON_KEY}') }}}}"
    _promotion(project, judge, PromoteChallengerOperator, shown)


def promotion_tasks(project: Project) -> None:
    """Draw the promotion of a version from one target into another, up to a smoke of what is deployed there then.

    Where the target requires it, a person decides, who sees the checks.
    """
    deliver = DeliverOperator(task_id="deliver", project=project.name)
    shown = f"{{{{ ti.xcom_pull(task_ids='{deliver.task_id}', key='{CHECKS_KEY}') }}}}"
    last = _promotion(project, deliver, PromoteOperator, shown)
    promoted = last if isinstance(last, PromoteOperator) else next(iter(last.downstream_list))
    deploy = DeployScoringOperator(task_id="deploy", project=project.name)
    promoted >> deploy >> SmokeOperator(task_id="smoke", project=project.name)


def _challenge(project: Project) -> None:
    """Draw the task that names a challenger, after a person's approval where one may be required."""
    if not any(project.asks_about_canary(target) for target in project.approval.targets):
        ChallengeOperator(task_id="challenge", project=project.name)
        return
    from snowloop.airflow.operators.approval import ApproveCanaryOperator

    propose = ProposeChallengerOperator(task_id="propose", project=project.name)
    approve = ApproveCanaryOperator(
        task_id="approve_canary",
        project=project.name,
        proposal=propose.output,
        notifiers=approval_notifiers(project),
    )
    ChallengeOperator(task_id="challenge", project=project.name, judge=False, approval=approve.output)


def score_group(project: Project) -> TaskGroup:
    """Draw the group ``score``: deploy scoring, bring in every new file, and wait for the native tasks to score it."""
    with TaskGroup("score", tooltip="New rows to scores, by native tasks") as group:
        plan = PlanScoringOperator(task_id="plan", project=project.name)
        deploy = DeployScoringOperator(task_id="deploy", project=project.name)
        arrive = LoadOperator(task_id="arrive", project=project.name, part="all")
        await_scores = AwaitScoresOperator(task_id="await_scores", project=project.name, arrived=arrive.output)
        reconcile = ReconcileOperator(task_id="reconcile", project=project.name)

        plan >> deploy >> arrive >> await_scores >> reconcile
    return group


def replay_group(project: Project) -> TaskGroup:
    """Draw the group ``score`` of a replay: its batches arrive one after the other, and each is scored on arrival.

    The last task monitors what serves, as ``<project>__health`` does. Without a declared replay it is ``score_group``.
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
