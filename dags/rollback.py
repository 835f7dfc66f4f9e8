"""Make the previous champion serve again, as the ledger names it."""

from snowloop.airflow.loops import loop_dag
from snowloop.airflow.operators.stages import RollbackOperator
from snowloop.airflow.params import target_form
from snowloop.project import usable_projects

for project in usable_projects():
    with loop_dag(project, "rollback", about=__doc__, params=target_form()):
        RollbackOperator(task_id="rollback", project=project.name)
