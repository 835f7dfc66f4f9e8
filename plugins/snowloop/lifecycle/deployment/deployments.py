"""OPS.DEPLOYMENTS, append-only: which plan of which commit was applied to which part of an environment, and by whom."""

import json
from dataclasses import dataclass
from datetime import datetime

from snowloop.lifecycle.deployment.plan import Objects, Plan
from snowloop.lifecycle.provenance import content_hash, git_commit, tool_version
from snowloop.workspace import Workspace

TABLE = "OPS.DEPLOYMENTS"


@dataclass(frozen=True)
class Deployed:
    """A row of OPS.DEPLOYMENTS.

    Args:
        part: The part of the environment, as ``Plan.part``.
        git_commit: The commit whose declaration was applied.
        tool_version: The release of Snowloop.
        plan_hash: Hash of the plan.
        steps: Number of its steps.
        objects: The objects that were there afterwards, with what is compared of them.
        done_by: The user.
        role: The role.
        done_at: When, in UTC.
    """

    part: str
    git_commit: str
    tool_version: str
    plan_hash: str
    steps: int
    objects: Objects
    done_by: str
    role: str
    done_at: datetime


def plan_hash(plan: Plan) -> str:
    """Hash of a plan: equal plans, whoever makes them, have the same."""
    return content_hash(plan.to_dict())


def last_deployment(workspace: Workspace, part: str) -> Deployed | None:
    """What was applied last to a part of an environment; OPS.DEPLOYMENTS must exist.

    Args:
        part: The part, as ``Plan.part``.

    Returns:
        The deployment, or None.

    Raises:
        snowflake.snowpark.exceptions.SnowparkSQLException: if the environment is of an earlier version.
    """
    rows = workspace.run("deployment/queries.sql#last_deployment", part=part)
    if not rows:
        return None
    _, commit, tool, digest, steps, objects, by, role, at = rows[0]
    return Deployed(part, commit, tool, digest, int(steps), json.loads(objects), by, role, at)


def record_deployment(workspace: Workspace, plan: Plan) -> bool:
    """Record that a plan was applied; nothing is written if it had no step, and commit and objects are the last ones.

    Args:
        plan: The plan, all of whose steps are done.

    Returns:
        Whether it was recorded.

    Raises:
        snowflake.snowpark.exceptions.SnowparkSQLException: if it cannot be written.
    """
    commit, tool = git_commit(workspace.project), tool_version()
    last = last_deployment(workspace, plan.part)
    if not plan.steps and last and (last.git_commit, last.tool_version, last.objects) == (commit, tool, plan.objects):
        return False
    workspace.write(
        "deployment/queries.sql#record_deployment",
        rows=1,
        part=plan.part,
        git_commit=commit,
        tool_version=tool,
        plan_hash=plan_hash(plan),
        steps=len(plan.steps),
        objects=json.dumps(plan.objects),
    )
    return True
