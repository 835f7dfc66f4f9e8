"""Challengers as Airflow operators: each action is one call of a lifecycle function."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.sdk.exceptions import AirflowSkipException

from snowloop.airflow.operators.base import SnowparkStageOperator
from snowloop.airflow.operators.stages import PromoteOperator, logged_in_user
from snowloop.workspace import Workspace

if TYPE_CHECKING:
    from airflow.sdk import Context

    from snowloop.lifecycle.results import Result

ACTION_TEMPLATE = "{{ params.action }}"
PROMOTION, NAMING, RESET = "promote", "challenge", "reset_reference"
COMPARISON_KEY = "comparison"
"""XCom key of the comparison that a person sees who approves."""


class ChallengeOperator(SnowparkStageOperator):
    """Compare the challenger with the champion, name one, withdraw it, or reset the reference of the gate.

    Skipped if the challenger is to be promoted.

    Args:
        action: ``compare``, ``challenge``, ``withdraw``, ``reset_reference`` or ``promote`` (templated, as all of
            these; default: the form).
        version: The version that becomes challenger, or is compared; empty: the present challenger is compared.
        reason: Why one is named or withdrawn, or the reference reset, for the ledger.
        judge: Whether the gate must accept the version first.
        approval: A person's approval, where the declaration requires one for its share of the keys.
    """

    action: str = ACTION_TEMPLATE
    version: str = "{{ params.version or '' }}"
    reason: str = "{{ params.reason or '' }}"
    judge: str | bool = "{{ params.judge }}"
    approval: Any = None
    _triggered_by: str | None = None

    def execute(self, context: Context) -> dict[str, Any]:
        """Do the action of the form.

        Raises:
            AirflowSkipException: If the challenger is to be promoted.
            AirflowFailException: If it is refused, with why.
        """
        if self.action == PROMOTION:
            raise AirflowSkipException("the action is promote, which the other tasks do")
        self._triggered_by = logged_in_user(context)
        return super().execute(context)

    def run(self, workspace: Workspace) -> Result:
        """Call the function of the action."""
        from snowloop.lifecycle.champion.approval import Approval
        from snowloop.lifecycle.champion.challenger import challenge, withdraw
        from snowloop.lifecycle.champion.compare import compare_versions
        from snowloop.lifecycle.champion.reference import reset_reference

        if self.action == RESET:
            return reset_reference(workspace, by=self._triggered_by, reason=self.reason)
        if self.action == NAMING:
            judge = str(self.judge).lower() == "true"
            approval = Approval.from_dict(self.approval) if self.approval else None
            return challenge(workspace, version=self.version, reason=self.reason, judge=judge, approval=approval)
        if self.action == "withdraw":
            return withdraw(workspace, reason=self.reason)
        comparison = compare_versions(workspace, version=self.version or None)
        self.log.info("%s", comparison.text())
        return comparison


class ProposeChallengerOperator(ChallengeOperator):
    """Check that the version of the form may become challenger, before a person is asked; of no other action."""

    def execute(self, context: Context) -> dict[str, Any]:
        """Propose the version, if one is to be named.

        Returns:
            The proposal; of other actions an empty one.

        Raises:
            AirflowFailException: If it must not become challenger, with why.
        """
        if self.action == NAMING:
            return super().execute(context)
        from snowloop.lifecycle.champion.challenger import Proposal

        return Proposal("", None).to_dict()

    def run(self, workspace: Workspace) -> Result:
        """Call ``propose``."""
        from snowloop.lifecycle.champion.challenger import propose

        judge = str(self.judge).lower() == "true"
        return propose(workspace, version=self.version, reason=self.reason, judge=judge)


class JudgeChallengerOperator(SnowparkStageOperator):
    """Let the gate decide on the challenger; skipped, with what follows, unless the action is promote.

    Args:
        action: What the form says (templated).
    """

    stage = "champion.challenger:judge_challenger"
    action: str = ACTION_TEMPLATE

    def execute(self, context: Context) -> dict[str, Any]:
        """Decide, push the comparison that a person sees, and give the verdict to later tasks.

        Raises:
            AirflowSkipException: If no challenger is to be promoted.
            AirflowFailException: If the gate refuses, with each reason.
        """
        if self.action != PROMOTION:
            raise AirflowSkipException(f"nothing to promote: the action is {self.action}")
        judged = super().execute(context)
        context["ti"].xcom_push(key=COMPARISON_KEY, value=judged["comparison"])
        verdict: dict[str, Any] = judged["verdict"]
        return verdict


class PromoteChallengerOperator(PromoteOperator):
    """Make the challenger that the gate accepted the champion, if it is still challenger."""

    stage = "champion.challenger:promote_challenger"
