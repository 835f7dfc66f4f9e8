"""The data contract as Airflow's own SQL check operator, over every source of a project."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow.sdk.exceptions import AirflowFailException

from snowloop.airflow.operators.base import SnowparkStageOperator, StageResult
from snowloop.errors import ContractViolation
from snowloop.project import Project
from snowloop.workspace import Workspace

if TYPE_CHECKING:
    from airflow.sdk import Context

    from snowloop.lifecycle.data.validate import ContractReport, SourceChecks


class ContractOperator(SnowparkStageOperator):
    """Check the loaded data against the project's contract, and record every check.

    The checks of all sources run in this one task, as Airflow's SQLTableCheckOperator on the stock connection. The
    lifecycle's report then records value and bound of each in the project's own tables.
    """

    def perform(self, context: Context, project: Project) -> StageResult:
        """Run Airflow's checks, then record the contract's report.

        Args:
            context: Airflow's context of this task.
            project: The declared project.

        Returns:
            The report of the contract.

        Raises:
            ContractViolation: If a check fails; the message names all that do.
        """
        from snowloop.lifecycle.data.validate import declared_checks

        failed: list[str] = []
        for checks in declared_checks(project, self.target):
            failed += self._failures(checks, context)
        report = super().perform(context, project)
        if failed:
            raise ContractViolation(f"the data of project {project.name} breaks its contract: {'; '.join(failed)}")
        return report

    def run(self, workspace: Workspace) -> ContractReport:
        """Call ``check_contract``."""
        from snowloop.lifecycle.data.validate import check_contract

        return check_contract(workspace)

    def _failures(self, checks: SourceChecks, context: Context) -> list[str]:
        """Check one source, and name in words what failed."""
        from airflow.providers.common.sql.operators.sql import SQLTableCheckOperator

        operator = SQLTableCheckOperator(
            task_id=f"{self.task_id}.{checks.source}",
            conn_id=self.snowflake_conn_id,
            retry_on_failure=False,
            table=checks.table,
            checks=checks.checks,
        )
        try:
            operator.execute(context)
        except AirflowFailException:
            failed = [result.name for result in operator.check_results if not result.success]
            if not failed:
                raise
            return [f"{checks.source}: {checks.words.get(name, name)}" for name in failed]
        return []
