"""Deploys the scoring loop: does what a plan says, in its order; planning and applying again completes it."""

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING

from tenacity import RetryError, Retrying, retry_if_result, stop_after_delay, wait_fixed

from snowloop.errors import DeploymentError, PlanRefused
from snowloop.lifecycle.deployment.deployments import record_deployment
from snowloop.lifecycle.deployment.lock import Lease, deployment_lock
from snowloop.lifecycle.deployment.plan import DONE, Change, Plan, RequireEmptyStream, RunSql, Upload, WaitForRuns
from snowloop.lifecycle.fingerprints import record_fingerprints
from snowloop.lifecycle.results import Result
from snowloop.lifecycle.scoring.blockers import unread_corrections
from snowloop.lifecycle.scoring.observed import has_data
from snowloop.lifecycle.scoring.plan import plan_scoring
from snowloop.lifecycle.scoring.task_runs import under_way
from snowloop.stage_files import upload
from snowloop.workspace import Workspace

if TYPE_CHECKING:
    from snowflake.snowpark import Session

RUN_SECONDS = 900.0
"""How long a run of the graph is waited for."""
POLL_SECONDS = 0.5


@dataclass(frozen=True)
class Deployment(Result):
    """What applying a plan did.

    Args:
        procedure: The scoring procedure, whose name carries the hash of its code.
        actions: For stream, procedure and each task: created, recreated, kept or resumed; for an old procedure:
            dropped.
        sent: Number of statements and uploads.
    """

    procedure: str
    actions: dict[str, str]
    sent: int = 0

    def summary(self) -> dict[str, int | float | str]:
        """Number of objects by action."""
        actions = list(self.actions.values())
        return {action: actions.count(action) for action in sorted(set(actions))}


def deploy_scoring(workspace: Workspace) -> Deployment:
    """Plan the native scoring loop as the project declares it, and apply the plan.

    A stream is never replaced by one at another offset. Procedures are never changed: other code gets another name. A
    task graph that differs is suspended, waited for, replaced, and resumed with its root last. What is as declared is
    left alone.

    Returns:
        What was done to each object.

    Raises:
        EnvironmentBusy: if another deployment is under way there.
        PlanRefused: if there is no champion to score with, or rows would be lost; with each reason and its remedy.
        DeploymentError: if a run of the graph does not end.
    """
    with deployment_lock(workspace, "deploy") as lease:
        return apply_loop(workspace, plan_scoring(workspace), lease)


def apply_loop(workspace: Workspace, plan: Plan, lease: Lease) -> Deployment:
    """Apply a plan of the loop, and record it in OPS.DEPLOYMENTS, with the fingerprints of what is deployed.

    Args:
        plan: The plan.
        lease: The lock of the environment.

    Returns:
        What was done.

    Raises:
        PlanRefused: as ``apply_plan``.
        DeploymentError: as ``apply_plan``.
    """
    done = apply_plan(workspace.session, plan, lease.keep)
    record_deployment(workspace, plan)
    record_fingerprints(workspace, "deployed")
    return done


def apply_plan(session: "Session", plan: Plan, before_each: Callable[[], None] = lambda: None) -> Deployment:
    """Do the steps of a plan, one after the other.

    Args:
        plan: The plan.
        before_each: Called before each step, such as what keeps the lock of the environment.

    Returns:
        What was done.

    Raises:
        PlanRefused: if the plan holds a refusal; nothing is sent. Also if a stream that must be empty received changes
            since the plan was made; the graph, which is unchanged, goes on.
        DeploymentError: if a run of the graph does not end, or a file is not what was planned.
    """
    plan.check()
    for step in plan.steps:
        before_each()
        match step:
            case RunSql():
                session.sql(step.statement).collect()
            case Upload():
                upload(session, step.path, _content(step))
            case WaitForRuns():
                wait_for_runs(session, step.root)
            case RequireEmptyStream():
                _require_empty(session, plan, step)
    reported = [change for change in plan.changes if change.kind in ("stream", "procedure", "task")]
    actions = {_key(change): DONE[change.action] for change in reported}
    return Deployment(plan.procedure, actions, sum(isinstance(step, RunSql | Upload) for step in plan.steps))


def _content(step: Upload) -> bytes:
    content = step.content()
    if sha256(content).hexdigest() != step.sha256:
        message = f"{step.path} is not uploaded: its content is not the planned one; plan again"
        raise DeploymentError(message)
    return content


def _require_empty(session: "Session", plan: Plan, step: RequireEmptyStream) -> None:
    """Resume the unchanged loop and refuse, if a stream holds changes that it would not hold in its other mode."""
    if not has_data(session, step.stream):
        return
    session.sql(f"ALTER TASK {step.root} RESUME").collect()
    blocker = unread_corrections(".".join(step.stream.replace('"', "").split(".")[-2:]))
    message = f"the scoring loop of {plan.project} in {plan.target} is not changed, it goes on: {blocker}"
    raise PlanRefused(message)


def _key(change: Change) -> str:
    """Stream and present procedure are reported by kind; tasks, and what is dropped, by name."""
    return change.name.partition(".")[2] if change.kind == "task" or change.action == "drop" else change.kind


def wait_for_runs(session: "Session", root: str) -> None:
    """Wait until no run of the graph is under way.

    A run counts until it is over: also while none of its tasks executes, because the next one has not begun, or will be
    retried.

    Args:
        root: The quoted, qualified name of the root task.

    Raises:
        DeploymentError: if it takes longer than 15 minutes.
    """
    database = root.split(".", 1)[0].strip('"')
    waiting = Retrying(retry=retry_if_result(bool), stop=stop_after_delay(RUN_SECONDS), wait=wait_fixed(POLL_SECONDS))
    try:
        waiting(under_way, session, database)
    except RetryError as error:
        message = (
            f"a run of {root} is still under way after {RUN_SECONDS:g} s: wait for it, or cancel it "
            f"(SELECT SYSTEM$USER_TASK_CANCEL_ONGOING_EXECUTIONS('{root}')), then apply again"
        )
        raise DeploymentError(message) from error
