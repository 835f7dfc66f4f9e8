"""The data contract as Airflow's own SQL check operators, over every source of a project."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.sdk.exceptions import AirflowFailException

from snowloop.airflow.operators.base import SnowparkStageOperator, StageResult
from snowloop.errors import ContractViolation
from snowloop.project import Project

if TYPE_CHECKING:
    from airflow.providers.common.sql.operators.sql import SQLColumnCheckOperator, SQLTableCheckOperator
    from airflow.sdk import Context
    from snowflake.snowpark import Session

    from snowloop.lifecycle.validate import ContractReport, SourceChecks


class ContractOperator(SnowparkStageOperator):
    """Check the loaded data against the project's contract, and record every check.

    The checks of all sources run in this one task, as Airflow's SQLColumnCheckOperator and SQLTableCheckOperator on the
    stock connection. The lifecycle's report then records value and bound of each in the project's own tables.
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
        from snowloop.lifecycle.validate import declared_checks

        failed: list[str] = []
        for checks in declared_checks(project, self.target):
            for operator in self._operators(checks):
                failed += self._failures(operator, checks, context)
        report = super().perform(context, project)
        if failed:
            raise ContractViolation(f"the data of project {project.name} breaks its contract: {'; '.join(failed)}")
        return report

    def run(self, session: Session, project: Project) -> ContractReport:
        """Call ``check_contract``."""
        from snowloop.lifecycle.validate import check_contract

        return check_contract(session, project, self.target)

    def _operators(self, checks: SourceChecks) -> list[SQLColumnCheckOperator | SQLTableCheckOperator]:
        from airflow.providers.common.sql.operators.sql import SQLColumnCheckOperator, SQLTableCheckOperator

        shared: dict[str, Any] = {"conn_id": self.snowflake_conn_id, "retry_on_failure": False, "table": checks.table}
        operators: list[SQLColumnCheckOperator | SQLTableCheckOperator] = []
        if checks.column_mapping:
            task_id = f"{self.task_id}.{checks.source}_columns"
            mapping = checks.column_mapping
            operators.append(SQLColumnCheckOperator(task_id=task_id, column_mapping=mapping, **shared))
        if checks.table_checks:
            task_id = f"{self.task_id}.{checks.source}_rows"
            operators.append(SQLTableCheckOperator(task_id=task_id, checks=checks.table_checks, **shared))
        return operators

    def _failures(
        self, operator: SQLColumnCheckOperator | SQLTableCheckOperator, checks: SourceChecks, context: Context
    ) -> list[str]:
        """Run one operator and name in words the checks that failed."""
        try:
            operator.execute(context)
        except AirflowFailException:
            failed = [result.name for result in operator.check_results if not result.success]
            if not failed:
                raise
            return [f"{checks.source}: {checks.words.get(name, name)}" for name in failed]
        return []
