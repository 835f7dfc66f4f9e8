"""Stage 1: the database, schemas, stages, tables, views, warehouse and role of a project in one environment."""

from dataclasses import dataclass

from snowloop.lifecycle.data.tables import check_tables
from snowloop.lifecycle.deployment.deployments import record_deployment
from snowloop.lifecycle.deployment.environment import plan_environment
from snowloop.lifecycle.deployment.lock import Lease, deployment_lock
from snowloop.lifecycle.deployment.plan import Plan, RunSql
from snowloop.lifecycle.deployment.schema_version import KIND
from snowloop.lifecycle.results import Result
from snowloop.workspace import Workspace


@dataclass(frozen=True)
class Environment(Result):
    """What ``create_environment`` created, altered and kept.

    Args:
        created: Number of objects created, grants among them.
        altered: Number of objects to which something was added, or that were replaced by ones that hold the same.
        kept: Number of objects that were as declared.
        dropped: Number of objects dropped.
    """

    database: str
    created: int
    altered: int
    kept: int
    dropped: int = 0


def create_environment(workspace: Workspace) -> Environment:
    """Plan the environment as the project declares it, and apply the plan: what is as declared is left alone.

    Sources that are tables which others fill get a view in RAW; nothing is created or changed where they are.

    Returns:
        Counts of objects.

    Raises:
        EnvironmentBusy: if another deployment is under way there.
        PlanRefused: if a column has another type, or is no longer declared; with each reason and its remedy.
        SourceError: if a table that others fill cannot be read as it is declared; the message has what to ask for.
    """
    with deployment_lock(workspace, "environment") as lease:
        return apply_environment(workspace, plan_environment(workspace), lease)


def apply_environment(workspace: Workspace, plan: Plan, lease: Lease | None = None) -> Environment:
    """Do the steps of an environment's plan, and record it; planning and applying again completes it.

    Args:
        plan: The plan.
        lease: The lock of the environment, which is acquired as soon as it is created; None: nobody else knows the
            environment.

    Returns:
        Counts of objects.

    Raises:
        EnvironmentBusy: if somebody else creates the environment at the same time, and was first.
        PlanRefused: if the plan holds a refusal; nothing is sent.
        SourceError: if a table that others fill cannot be read as it is declared; nothing is sent.
    """
    plan.check()
    check_tables(workspace)
    for step in plan.steps:
        if not isinstance(step, RunSql):
            continue
        if lease:
            lease.keep()
        workspace.session.sql(step.statement).collect()
        if lease and lease.creates(step.statement):
            lease.acquire()
    record_deployment(workspace, plan)
    actions = [change.action for change in plan.changes if change.kind != KIND]
    altered = actions.count("alter") + actions.count("recreate")
    return Environment(
        workspace.database, actions.count("create"), altered, actions.count("keep"), actions.count("drop")
    )
