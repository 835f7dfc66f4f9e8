"""Deploys the scoring loop: plans it, and applies the plan."""

from snowloop.lifecycle.scoring.apply import Deployment, apply_plan
from snowloop.lifecycle.scoring.plan import plan_scoring
from snowloop.workspace import Workspace

__all__ = ["Deployment", "deploy_scoring"]


def deploy_scoring(workspace: Workspace) -> Deployment:
    """Make the native scoring loop be what the project declares, and see to it that it runs.

    A stream that exists is never replaced. Procedures are never changed: other code gets another name. A task graph
    that differs is suspended, waited for, replaced, and resumed with its root last. What is as declared is left alone.

    Args:
        workspace: Session, project and environment.

    Returns:
        What was done to each object.

    Raises:
        PlanRefused: if there is no champion to score with, or rows would be lost; with each reason and its remedy.
        DeploymentError: if a running graph does not come to its end.
    """
    return apply_plan(workspace.session, plan_scoring(workspace))
