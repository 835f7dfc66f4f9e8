"""Make the ledger's previous champion serve again, and verify the version of the rows that are scored next."""

from airflow.sdk import DAG

from snowloop.airflow.drawing import project_dag
from snowloop.airflow.operators.stages import RollbackOperator, VerifyRollbackOperator
from snowloop.airflow.params import target_form, verify_form
from snowloop.project import Project


def draw(project: Project) -> DAG:
    """Draw the DAG of one project."""
    with project_dag(project, "rollback", about=__doc__, params=target_form() | verify_form()) as dag:
        done = RollbackOperator(task_id="rollback", project=project.name)
        VerifyRollbackOperator(task_id="verify", project=project.name, rollback=done.output)
    return dag
