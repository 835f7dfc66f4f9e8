"""The stages of the life cycle as Airflow operators: each is one call of a lifecycle function."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal, cast

from snowloop.airflow import VERDICT_KEY
from snowloop.airflow.operators.base import SnowparkStageOperator, StageResult
from snowloop.errors import GateRefused
from snowloop.project import Project
from snowloop.workspace import Workspace

if TYPE_CHECKING:
    from airflow.sdk import Context

    from snowloop.lifecycle.champion.promote import Promotion
    from snowloop.lifecycle.champion.rollback import Rollback, Verified
    from snowloop.lifecycle.data.environment import Environment
    from snowloop.lifecycle.data.load import LoadReport
    from snowloop.lifecycle.data.validate import ContractReport
    from snowloop.lifecycle.evaluation.evaluate import Evaluation
    from snowloop.lifecycle.features.training_set import TrainingSet
    from snowloop.lifecycle.gate.verdict import Verdict
    from snowloop.lifecycle.scoring import Deployment, Reconciliation
    from snowloop.lifecycle.scoring.plan import Plan
    from snowloop.lifecycle.training.train import Candidate


class EnvironmentOperator(SnowparkStageOperator):
    """Create the project's database, schemas, stage and tables in the target environment; what exists is kept."""

    def run(self, workspace: Workspace) -> Environment:
        """Call ``create_environment``."""
        from snowloop.lifecycle.data.environment import create_environment

        return create_environment(workspace)


class LoadOperator(SnowparkStageOperator):
    """Load the project's files into RAW: each file once, bad lines into a table of rejects.

    Args:
        data_dir: Directory of the files (templated; the DAG's parameter by default).
        part: ``initial`` (what the model is trained on), ``arrivals`` (what comes later) or ``all``.
        only: One arriving batch alone (templated); all of the part when None.
    """

    template_fields: Sequence[str] = (*SnowparkStageOperator.template_fields, "data_dir", "part", "only")

    def __init__(
        self,
        *,
        data_dir: str = "{{ params.data_dir }}",
        part: Literal["initial", "arrivals", "all"] = "all",
        only: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.data_dir = data_dir
        self.part = part
        self.only = only

    def run(self, workspace: Workspace) -> LoadReport:
        """Call ``load_files``."""
        from snowloop.lifecycle.data.load import load_files

        return load_files(workspace, self.data_dir, part=self.part, only=self.only)


class ContractOperator(SnowparkStageOperator):
    """Check the loaded data against the project's contract, and record value and bound of every check."""

    def run(self, workspace: Workspace) -> ContractReport:
        """Call ``check_contract``; a violation fails the task with every check that failed."""
        from snowloop.lifecycle.data.validate import check_contract

        return check_contract(workspace)


class TrainingSetOperator(SnowparkStageOperator):
    """Build the immutable training set that the project's features.sql and label.sql describe."""

    def run(self, workspace: Workspace) -> TrainingSet:
        """Call ``build_training_set``."""
        from snowloop.lifecycle.features.training_set import build_training_set

        return build_training_set(workspace)


class TrainOperator(SnowparkStageOperator):
    """Train one declared candidate inside Snowflake and log it to the model registry.

    Args:
        training_set: The training set, as its stage gave it (templated).
        candidate: Name of the declared candidate (templated).
    """

    template_fields: Sequence[str] = (*SnowparkStageOperator.template_fields, "training_set", "candidate")

    def __init__(self, *, training_set: Any, candidate: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.training_set = training_set
        self.candidate = candidate

    def run(self, workspace: Workspace) -> Candidate:
        """Call ``train_candidate``."""
        from snowloop.lifecycle.features.training_set import TrainingSet
        from snowloop.lifecycle.training.train import train_candidate

        training_set = TrainingSet.from_dict(self.training_set)
        return train_candidate(workspace, training_set, self.candidate)


class EvaluateOperator(SnowparkStageOperator):
    """Measure a trained candidate, and the champion, on the same held-out rows.

    Args:
        candidate: The candidate, as its training gave it (templated).
    """

    template_fields: Sequence[str] = (*SnowparkStageOperator.template_fields, "candidate")

    def __init__(self, *, candidate: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.candidate = candidate

    def run(self, workspace: Workspace) -> Evaluation:
        """Call ``evaluate``."""
        from snowloop.lifecycle.evaluation.evaluate import evaluate
        from snowloop.lifecycle.training.train import Candidate

        return evaluate(workspace, Candidate.from_dict(self.candidate))


class GateOperator(SnowparkStageOperator):
    """Decide whether the best candidate may serve, and record every check of the verdict.

    Args:
        evaluations: The candidates' evaluations, as their stage gave them (templated).
        override_by: Who overrides a refusal (templated; the DAG's parameter by default).
        override_reason: Why (templated; the DAG's parameter by default).
    """

    template_fields: Sequence[str] = (
        *SnowparkStageOperator.template_fields,
        "evaluations",
        "override_by",
        "override_reason",
    )

    def __init__(
        self,
        *,
        evaluations: Any,
        override_by: str = "{{ params.override_by or '' }}",
        override_reason: str = "{{ params.override_reason or '' }}",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.evaluations = evaluations
        self.override_by = override_by
        self.override_reason = override_reason

    def perform(self, context: Context, project: Project) -> StageResult:
        """Decide, and push the id of the verdict, also of one that refuses.

        Returns:
            The verdict.

        Raises:
            GateRefused: If no candidate passed the gate.
        """
        try:
            verdict = super().perform(context, project)
        except GateRefused as refused:
            context["ti"].xcom_push(key=VERDICT_KEY, value=refused.verdict_id)
            raise
        context["ti"].xcom_push(key=VERDICT_KEY, value=cast("Verdict", verdict).verdict_id)
        return verdict

    def run(self, workspace: Workspace) -> Verdict:
        """Call ``decide``; a name without a reason, or a reason without a name, is refused."""
        from snowloop.lifecycle.evaluation.evaluate import Evaluation
        from snowloop.lifecycle.gate.gate import decide
        from snowloop.lifecycle.gate.verdict import override_of

        override = override_of(self.override_by, self.override_reason)
        evaluations = [Evaluation.from_dict(each) for each in self.evaluations]
        return decide(workspace, evaluations, override=override)


class PromoteOperator(SnowparkStageOperator):
    """Make the version that the gate accepted the champion, and record it in the ledger.

    Args:
        verdict: The gate's verdict (templated).
        approval: A person's approval, where the declaration requires one (templated).
    """

    template_fields: Sequence[str] = (*SnowparkStageOperator.template_fields, "verdict", "approval")

    def __init__(self, *, verdict: Any, approval: Any = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.verdict = verdict
        self.approval = approval

    def run(self, workspace: Workspace) -> Promotion:
        """Call ``promote``."""
        from snowloop.lifecycle.champion.approval import Approval
        from snowloop.lifecycle.champion.promote import promote
        from snowloop.lifecycle.gate.verdict import Verdict

        approval = Approval.from_dict(self.approval) if self.approval else None
        return promote(workspace, Verdict.from_dict(self.verdict), approval)


class PlanScoringOperator(SnowparkStageOperator):
    """Compare the declared scoring loop with the deployed one, and log what deploying will do; nothing is changed."""

    def run(self, workspace: Workspace) -> Plan:
        """Call ``plan_scoring``; a refusal fails the task with its reason and remedy."""
        from snowloop.lifecycle.scoring.plan import plan_scoring

        plan = plan_scoring(workspace)
        self.log.info("%s", plan.text())
        plan.check()
        return plan


class DeployScoringOperator(SnowparkStageOperator):
    """Deploy the stream, the scoring procedure and the native task graph that score new rows."""

    def run(self, workspace: Workspace) -> Deployment:
        """Call ``deploy_scoring``."""
        from snowloop.lifecycle.scoring import deploy_scoring

        return deploy_scoring(workspace)


class ReconcileOperator(SnowparkStageOperator):
    """Prove that every row which arrived was scored once or quarantined once."""

    def run(self, workspace: Workspace) -> Reconciliation:
        """Call ``reconcile``."""
        from snowloop.lifecycle.scoring import reconcile

        return reconcile(workspace)


class RollbackOperator(SnowparkStageOperator):
    """Make the ledger's previous champion the champion again."""

    def run(self, workspace: Workspace) -> Rollback:
        """Call ``rollback``."""
        from snowloop.lifecycle.champion.rollback import rollback

        return rollback(workspace)


class VerifyRollbackOperator(SnowparkStageOperator):
    """Verify that rows scored after a rollback carry the version; no rows within the time are no failure.

    Args:
        rollback: The rollback, as its stage gave it (templated).
        timeout: Longest wait for rows in seconds (templated; the DAG's parameter by default).
    """

    template_fields: Sequence[str] = (*SnowparkStageOperator.template_fields, "rollback", "timeout")

    def __init__(self, *, rollback: Any, timeout: str | int = "{{ params.timeout }}", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.rollback = rollback
        self.timeout = timeout

    def run(self, workspace: Workspace) -> Verified:
        """Call ``verify_rollback``."""
        from snowloop.lifecycle.champion.rollback import Rollback, verify_rollback

        done = Rollback.from_dict(self.rollback)
        return verify_rollback(workspace, done, timeout=int(self.timeout))
