"""Stages 5 and 6: a native task scores new rows; planned, deployed, observed, waited for and reconciled from here."""

from snowloop.lifecycle.scoring.apply import Deployment, deploy_scoring
from snowloop.lifecycle.scoring.reconcile import Reconciliation, reconcile
from snowloop.lifecycle.scoring.wait import Scores, await_scores

__all__ = ["Deployment", "Reconciliation", "Scores", "await_scores", "deploy_scoring", "reconcile"]
