"""One plan for an environment and the scoring loop in it, and its application: first the one, then the other."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from snowloop.errors import PlanRefused
from snowloop.lifecycle.data.environment import Environment, apply_environment
from snowloop.lifecycle.deployment.environment import plan_environment
from snowloop.lifecycle.deployment.lock import Lease
from snowloop.lifecycle.deployment.plan import Change, Plan
from snowloop.lifecycle.fingerprints import ChangeKind, change_kind, recorded_fingerprints
from snowloop.lifecycle.results import Result
from snowloop.lifecycle.scoring.apply import Deployment, apply_loop
from snowloop.lifecycle.scoring.plan import plan_scoring
from snowloop.workspace import Workspace


@dataclass(frozen=True)
class DeploymentPlan(Result):
    """All that has to be done for an environment to be as declared.

    Args:
        project: Name of the project.
        account: The account, as CURRENT_ACCOUNT gives it.
        database: The database.
        role: The role, as CURRENT_ROLE gives it.
        change_kind: What kind of change the declaration is.
        environment: The plan of the environment.
        loop: The plan of the scoring loop; None if the environment does not exist yet, or is refused as a whole.
    """

    project: str
    target: str
    account: str
    database: str
    role: str
    change_kind: ChangeKind
    environment: Plan
    loop: Plan | None

    @property
    def parts(self) -> tuple[Plan, ...]:
        """The plans, in the order in which they are applied."""
        return (self.environment, self.loop) if self.loop else (self.environment,)

    @property
    def refused(self) -> tuple[Change, ...]:
        """The refusals of both parts."""
        return tuple(change for part in self.parts for change in part.refused)

    @property
    def nothing_to_do(self) -> bool:
        """Whether everything is as declared."""
        return self.loop is not None and all(part.nothing_to_do for part in self.parts)

    def check(self) -> None:
        """Raise if nothing of the plan may be applied: the loop alone may be refused, unless something is dropped.

        Raises:
            PlanRefused: with each reason and its remedy.
        """
        self.environment.check()
        if self.loop and any(change.destructive for change in self.environment.changes):
            self.loop.check()

    def to_dict(self) -> dict[str, Any]:
        """All fields, as JSON can hold them, with the totals of each part."""
        fields = super().to_dict()
        return {**fields, "summary": self.summary()}

    def summary(self) -> dict[str, int | float | str]:
        """Number of objects by action, of both parts."""
        totals: dict[str, int | float | str] = {}
        for part in self.parts:
            for action, count in part.summary().items():
                totals[action] = int(totals.get(action, 0)) + int(count)
        return totals

    def text(self) -> str:
        """The plan for people."""
        waits = f"scoring loop of {self.project} in {self.target}: planned when the environment exists"
        where = f"account {self.account}, database {self.database}, role {self.role}"
        loop = self.loop.text() if self.loop else waits
        return f"{where}\n{self.change_kind.text()}\n{self.environment.text()}\n{loop}"

    def sql(self) -> str:
        """The steps of both parts, as a file that people can read."""
        where = f"-- account {self.account}, database {self.database}, role {self.role}\n\n"
        return where + "\n".join(part.sql() for part in self.parts)


def plan_deployment(workspace: Workspace, allow_drop: Collection[str] = ()) -> DeploymentPlan:
    """Plan an environment and its scoring loop; only SHOW, DESCRIBE, LIST and SELECT are sent.

    Args:
        allow_drop: Names of tables and columns that may be dropped, such as ``RAW.OLD`` or ``RAW.LOANS.OLD``.

    Returns:
        The plan, which may hold refusals.

    Raises:
        PlanRefused: if ``allow_drop`` names something that nothing asks to drop.
        snowflake.snowpark.exceptions.SnowparkSQLException: if Snowflake does not answer.
    """
    account, role = workspace.session.sql("SELECT CURRENT_ACCOUNT(), CURRENT_ROLE()").collect()[0]
    environment = plan_environment(workspace, allow_drop)
    kept = {change.name for change in environment.changes if change.action in ("keep", "alter")}
    recorded = recorded_fingerprints(workspace) if "OPS.FINGERPRINTS" in kept else {}
    needed = {workspace.database, f"RAW.{workspace.project.table}", "SERVING.SCORED", "OPS.LEDGER"}
    return DeploymentPlan(
        workspace.project.name,
        workspace.target,
        str(account),
        workspace.database,
        str(role),
        change_kind(workspace.project, recorded),
        environment,
        plan_scoring(workspace, environment) if environment.refused or needed <= kept else None,
    )


@dataclass(frozen=True)
class Applied(Result):
    """What applying a plan of both parts did.

    Args:
        environment: What was done to the environment.
        loop: What was done to the loop; None if its plan is refused, or it was not planned.
        refused: Why the loop is not deployed, with the remedies; empty if it is.
    """

    environment: Environment
    loop: Deployment | None
    refused: str = ""

    def summary(self) -> dict[str, int | float | str]:
        """Number of objects by action, those that were kept aside."""
        totals = {
            "created": self.environment.created,
            "altered": self.environment.altered,
            "dropped": self.environment.dropped,
        }
        for action, count in (self.loop.summary() if self.loop else {}).items():
            totals[action] = totals.get(action, 0) + int(count)
        return {action: count for action, count in totals.items() if count and action != "kept"}


def apply_deployment(workspace: Workspace, plan: DeploymentPlan, lease: Lease, *, as_saved: bool = False) -> Applied:
    """Apply a plan: first the environment, then the loop, each recorded in OPS.DEPLOYMENTS.

    What is added to an environment stays also if its loop is refused. A loop that could not be planned, because the
    environment did not exist, is planned and applied now.

    Args:
        plan: The plan, which was made under the lock.
        lease: The lock of the environment.
        as_saved: Whether exactly this plan was approved: then a loop that is not in it is left for another plan.

    Returns:
        What was done.

    Raises:
        EnvironmentBusy: if somebody else creates the environment at the same time.
        PlanRefused: if the environment's plan is refused, or drops something while the loop's is; nothing is sent.
        DeploymentError: if a run of the graph does not end, or a file is not what was planned.
    """
    plan.check()
    environment = apply_environment(workspace, plan.environment, lease)
    if plan.loop is None and as_saved:
        return Applied(
            environment, None, "the saved plan has no scoring loop, which had no environment yet: plan again"
        )
    try:
        return Applied(environment, apply_loop(workspace, plan.loop or plan_scoring(workspace), lease))
    except PlanRefused as refused:
        return Applied(environment, None, str(refused))
