"""Challengers as Airflow operators: each action is one call of a lifecycle function."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from airflow.sdk.exceptions import AirflowSkipException

from snowloop.airflow.operators.base import SnowparkStageOperator
from snowloop.airflow.operators.stages import PromoteOperator
from snowloop.workspace import Workspace

if TYPE_CHECKING:
    from airflow.sdk import Context

    from snowloop.airflow.operators.base import StageResult
    from snowloop.lifecycle.champion.challenger import Judged
    from snowloop.lifecycle.champion.promote import Promotion

ACTION_TEMPLATE = "{{ params.action }}"
PROMOTION = "promote"
COMPARISON_KEY = "comparison"
"""XCom key of the comparison that a person sees who approves."""


class ChallengeOperator(SnowparkStageOperator):
    """Compare the challenger with the champion, name one, or withdraw it; skipped if it is to be promoted.

    Args:
        action: ``compare``, ``challenge``, ``withdraw`` or ``promote`` (templated, as all of these; default: the form).
        version: The version that becomes challenger, or is compared; empty: the present challenger is compared.
        reason: Why one is named or withdrawn, for the ledger.
        judge: Whether the gate must accept the version first.
    """

    template_fields: Sequence[str] = (*SnowparkStageOperator.template_fields, "action", "version", "reason", "judge")

    def __init__(
        self,
        *,
        action: str = ACTION_TEMPLATE,
        version: str = "{{ params.version or '' }}",
        reason: str = "{{ params.reason or '' }}",
        judge: str | bool = "{{ params.judge }}",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.action = action
        self.version = version
        self.reason = reason
        self.judge = judge

    def execute(self, context: Context) -> dict[str, Any]:
        """Do the action of the form, or skip if it is a promotion.

        Returns:
            What was done.

        Raises:
            AirflowSkipException: If the challenger is to be promoted.
            AirflowFailException: If it is refused, with why.
        """
        if self.action == PROMOTION:
            message = "the action is promote, which the other tasks do"
            raise AirflowSkipException(message)
        return super().execute(context)

    def run(self, workspace: Workspace) -> StageResult:
        """Call the function of the action."""
        from snowloop.lifecycle.champion.challenger import challenge, withdraw
        from snowloop.lifecycle.champion.compare import compare_versions

        if self.action == "challenge":
            judge = str(self.judge).lower() == "true"
            return challenge(workspace, version=self.version, reason=self.reason, judge=judge)
        if self.action == "withdraw":
            return withdraw(workspace, reason=self.reason)
        comparison = compare_versions(workspace, version=self.version or None)
        self.log.info("%s", comparison.text())
        return comparison


class JudgeChallengerOperator(SnowparkStageOperator):
    """Let the gate decide on the challenger; skipped, with what follows, unless the action is promote.

    Args:
        action: What the form says (templated).
    """

    template_fields: Sequence[str] = (*SnowparkStageOperator.template_fields, "action")

    def __init__(self, *, action: str = ACTION_TEMPLATE, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.action = action

    def execute(self, context: Context) -> dict[str, Any]:
        """Decide, and push the comparison that a person sees; or skip.

        Returns:
            The verdict.

        Raises:
            AirflowSkipException: If no challenger is to be promoted.
            AirflowFailException: If the gate refuses, with each reason.
        """
        if self.action != PROMOTION:
            message = f"nothing to promote: the action is {self.action}"
            raise AirflowSkipException(message)
        judged = super().execute(context)
        context["ti"].xcom_push(key=COMPARISON_KEY, value=judged["comparison"])
        verdict: dict[str, Any] = judged["verdict"]
        return verdict

    def run(self, workspace: Workspace) -> Judged:
        """Call ``judge_challenger``."""
        from snowloop.lifecycle.champion.challenger import judge_challenger

        return judge_challenger(workspace)


class PromoteChallengerOperator(PromoteOperator):
    """Make the challenger that the gate accepted the champion, if it is still challenger."""

    def run(self, workspace: Workspace) -> Promotion:
        """Call ``promote_challenger``."""
        from snowloop.lifecycle.champion.approval import Approval
        from snowloop.lifecycle.champion.challenger import promote_challenger
        from snowloop.lifecycle.gate.verdict import Verdict

        approval = Approval.from_dict(self.approval) if self.approval else None
        return promote_challenger(workspace, Verdict.from_dict(self.verdict), approval)
