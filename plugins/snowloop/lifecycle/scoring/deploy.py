"""Deploys the scoring loop: plans it, and applies the plan."""

from typing import TYPE_CHECKING

from snowloop.lifecycle.scoring.apply import Deployment, apply_plan
from snowloop.lifecycle.scoring.plan import plan_scoring
from snowloop.project import Project

if TYPE_CHECKING:
    from snowflake.snowpark import Session

__all__ = ["Deployment", "deploy_scoring"]


def deploy_scoring(session: "Session", project: Project, target: str) -> Deployment:
    """Make the native scoring loop be what the project declares, and see to it that it runs.

    A stream that exists is never replaced. Procedures are never changed: other code gets another name. A task graph
    that differs is suspended, waited for, replaced, and resumed with its root last. What is as declared is left alone.

    Args:
        session: A Snowpark session.
        project: The project.
        target: The environment.

    Returns:
        What was done to each object.

    Raises:
        PlanRefused: if there is no champion to score with, or rows would be lost; with each reason and its remedy.
        DeploymentError: if a running graph does not come to its end.
    """
    return apply_plan(session, plan_scoring(session, project, target))
