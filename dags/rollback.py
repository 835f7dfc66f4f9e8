"""Make the ledger's previous champion serve again, and verify the version of the rows that are scored next."""

from snowloop.airflow.dags import project_dag
from snowloop.airflow.operators.stages import RollbackOperator, VerifyRollbackOperator
from snowloop.airflow.params import target_form, verify_form
from snowloop.project import usable_projects

for project in usable_projects():
    with project_dag(project, "rollback", about=__doc__, params=target_form() | verify_form()):
        done = RollbackOperator(task_id="rollback", project=project.name)
        VerifyRollbackOperator(task_id="verify", project=project.name, rollback=done.output)
