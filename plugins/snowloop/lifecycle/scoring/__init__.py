"""Stages 5 and 6: new rows are scored by a native task; deployed, watched and reconciled from here."""

from snowloop.lifecycle.scoring.deploy import Deployment, deploy_scoring
from snowloop.lifecycle.scoring.reconcile import Reconciliation, reconcile
from snowloop.lifecycle.scoring.wait import Scores, await_scores

__all__ = ["Deployment", "Reconciliation", "Scores", "await_scores", "deploy_scoring", "reconcile"]
