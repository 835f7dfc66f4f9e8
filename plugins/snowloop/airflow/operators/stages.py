"""The stages of the life cycle as Airflow operators: each is one call of a lifecycle function."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, cast

from snowloop.airflow import VERDICT_KEY
from snowloop.airflow.operators.base import SnowparkStageOperator
from snowloop.checks import counted
from snowloop.errors import GateRefused
from snowloop.project import Project
from snowloop.workspace import Workspace

if TYPE_CHECKING:
    from airflow.sdk import Asset, Context

    from snowloop.lifecycle.champion.promote import Promotion
    from snowloop.lifecycle.champion.rollback import Rollback
    from snowloop.lifecycle.gate.verdict import Verdict
    from snowloop.lifecycle.results import Result


NOBODY = "dag_test"
"""What `airflow dags test` writes in place of a user."""


def logged_in_user(context: Context) -> str | None:
    """The user who triggered the run, as Airflow knows it; None if nobody did."""
    name: str | None = context["dag_run"].triggering_user_name
    return None if name == NOBODY else name


class EnvironmentOperator(SnowparkStageOperator):
    """Create the project's database, schemas, stage and tables in the target environment; what exists is kept."""

    stage = "data.environment:create_environment"


class LoadOperator(SnowparkStageOperator):
    """Load the project's files into RAW: each file once, bad lines into a table of rejects.

    Args:
        data_dir: Directory of the files, below a declared root (templated; the DAG's parameter by default).
        part: ``initial`` (what the model is trained on), ``arrivals`` (what comes later) or ``all``.
        only: One arriving batch alone (templated); all of the part when None.
    """

    data_dir: str = "{{ params.data_dir | default('', true) }}"
    part: Literal["initial", "arrivals", "all"] = "all"
    only: str | None = None

    def run(self, workspace: Workspace) -> Result:
        """Call ``load_files``; who triggers a run chooses a place below the declared roots, and no other."""
        from snowloop.lifecycle.data.data_folder import declared_roots
        from snowloop.lifecycle.data.load import load_files

        roots = declared_roots(workspace.project)
        return load_files(workspace, self.data_dir, part=self.part, only=self.only, roots=roots)


class ContractOperator(SnowparkStageOperator):
    """Check the loaded data against the project's contract; a violation fails the task with every failed check."""

    stage = "data.validate:check_contract"


class TrainingSetOperator(SnowparkStageOperator):
    """Build the immutable training set that the project's features.sql and label.sql describe."""

    stage = "features.training_set:build_training_set"


class TrainOperator(SnowparkStageOperator):
    """Train one declared candidate inside Snowflake and log it to the model registry.

    Args:
        training_set: The training set, as its stage gave it (templated).
        candidate: Name of the declared candidate (templated).
    """

    training_set: Any
    candidate: str

    def run(self, workspace: Workspace) -> Result:
        """Call ``train_candidate``."""
        from snowloop.lifecycle.features.training_set import TrainingSet
        from snowloop.lifecycle.training.train import train_candidate

        return train_candidate(workspace, TrainingSet.from_dict(self.training_set), self.candidate)


class EvaluateOperator(SnowparkStageOperator):
    """Measure a trained candidate, and the champion, on the same held-out rows.

    Args:
        candidate: The candidate, as its training gave it (templated).
    """

    candidate: Any

    def run(self, workspace: Workspace) -> Result:
        """Call ``evaluate``."""
        from snowloop.lifecycle.evaluation.evaluate import evaluate
        from snowloop.lifecycle.training.train import Candidate

        return evaluate(workspace, Candidate.from_dict(self.candidate))


class GateOperator(SnowparkStageOperator):
    """Decide whether the best candidate may serve, and record every check of the verdict; refit it where declared.

    Args:
        evaluations: The candidates' evaluations, as their stage gave them (templated).
        override_checks: Checks that the user who triggered the run overrides (templated, as what follows; the DAG's
            parameters by default).
        override_reason: Why.
        override_until: Until when.
    """

    evaluations: Any
    override_checks: str = "{{ params.override_checks or '' }}"
    override_reason: str = "{{ params.override_reason or '' }}"
    override_until: str = "{{ params.override_until or '' }}"
    _triggered_by: str | None = None

    def perform(self, context: Context, project: Project) -> Result:
        """Decide, and push the id of the verdict, also of one that refuses.

        Raises:
            GateRefused: If no candidate passed the gate.
        """
        self._triggered_by = logged_in_user(context)
        try:
            verdict = super().perform(context, project)
        except GateRefused as refused:
            context["ti"].xcom_push(key=VERDICT_KEY, value=refused.verdict_id)
            raise
        context["ti"].xcom_push(key=VERDICT_KEY, value=cast("Verdict", verdict).verdict_id)
        return verdict

    def run(self, workspace: Workspace) -> Result:
        """Call ``decide`` and, where it is declared, ``refit``.

        An override is by the user who triggered the run, as Airflow knows it.
        """
        from snowloop.lifecycle.evaluation.evaluate import Evaluation
        from snowloop.lifecycle.gate.gate import decide
        from snowloop.lifecycle.gate.refit import refit
        from snowloop.lifecycle.gate.verdict import override_of

        override = override_of(self._triggered_by, self.override_reason, self.override_checks, self.override_until)
        evaluations = [Evaluation.from_dict(each) for each in self.evaluations]
        verdict = decide(workspace, evaluations, override=override)
        if workspace.project.refit is None:
            return verdict
        return refit(workspace, verdict, evaluations[0].candidate.training_set)


class PromoteOperator(SnowparkStageOperator):
    """Make the version that the gate accepted the champion, and record it in the ledger.

    Args:
        verdict: The gate's verdict (templated).
        approval: A person's approval, where the declaration requires one (templated).
    """

    stage = "champion.promote:promote"
    changes = "model"
    verdict: Any
    approval: Any = None

    def run(self, workspace: Workspace) -> Result:
        """Call the function with verdict and approval, and begin the probation that may be declared."""
        from snowloop.lifecycle.champion.approval import Approval
        from snowloop.lifecycle.gate.verdict import Verdict
        from snowloop.lifecycle.monitoring.probation import begin_probation

        approval = Approval.from_dict(self.approval) if self.approval else None
        promoted = self.function(workspace, Verdict.from_dict(self.verdict), approval)
        begin_probation(workspace)
        return promoted

    def event(self, workspace: Workspace, result: Result) -> tuple[Asset, dict[str, Any]] | None:
        """The model with its new champion and the verdict by which it serves; None if it was champion already."""
        from snowloop.airflow.assets import table_asset
        from snowloop.lifecycle.gate.verdict import Verdict

        done, verdict = cast("Promotion", result), Verdict.from_dict(self.verdict)
        if done.kept:
            return None
        extra: dict[str, Any] = {"action": "promote", "version": done.version_name, "before": done.previous}
        extra |= {"verdict_id": verdict.verdict_id, "checks": counted(verdict.checks)}
        extra["override"] = str(verdict.override) if verdict.override else None
        return table_asset(workspace, "MODELS", workspace.project.model_name), extra


class PlanScoringOperator(SnowparkStageOperator):
    """Compare environment and scoring loop with the declaration, and log what is to do; nothing is changed."""

    def run(self, workspace: Workspace) -> Result:
        """Call ``plan_deployment``; a refusal of either part fails the task with its reason and remedy."""
        from snowloop.lifecycle.scoring.deployment import plan_deployment

        plan = plan_deployment(workspace)
        self.log.info("%s", plan.text())
        for part in plan.parts:
            part.check()
        return plan


class DeployScoringOperator(SnowparkStageOperator):
    """Deploy the stream, the scoring procedure and the native task graph that score new rows."""

    stage = "scoring:deploy_scoring"
    reads = ("model",)


class ReconcileOperator(SnowparkStageOperator):
    """Prove that every row which arrived was scored once or quarantined once."""

    stage = "scoring:reconcile"
    changes = "scored"

    def event(self, workspace: Workspace, result: Result) -> tuple[Asset, dict[str, Any]] | None:
        """The table of scores, to which rows were added, with the counts."""
        from snowloop.airflow.assets import table_asset

        return table_asset(workspace, "SERVING", "SCORED"), dict(result.summary())


class RollbackOperator(SnowparkStageOperator):
    """Make the ledger's previous champion the champion again."""

    stage = "delivery.roll_back:roll_back"
    changes = "model"

    def event(self, workspace: Workspace, result: Result) -> tuple[Asset, dict[str, Any]] | None:
        """The model with the champion that serves again."""
        from snowloop.airflow.assets import table_asset

        done = cast("Rollback", result)
        extra = {"action": "rollback", "version": done.to_version, "before": done.from_version}
        return table_asset(workspace, "MODELS", workspace.project.model_name), extra


class VerifyRollbackOperator(SnowparkStageOperator):
    """Verify that rows scored after a rollback carry the version; no rows within the time are no failure.

    Args:
        rollback: The rollback, as its stage gave it (templated).
        timeout: Longest wait for rows in seconds (templated; the DAG's parameter by default).
    """

    rollback: Any
    timeout: str | int = "{{ params.timeout }}"

    def run(self, workspace: Workspace) -> Result:
        """Call ``verify_rollback``."""
        from snowloop.lifecycle.champion.rollback import Rollback, verify_rollback

        return verify_rollback(workspace, Rollback.from_dict(self.rollback), timeout=int(self.timeout))
