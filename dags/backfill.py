"""Score rows of the source again with a chosen version, in batches apart from the loop: new scores of the same rows."""

from snowloop.airflow.dags import project_dag
from snowloop.airflow.operators.reprocess import BackfillOperator
from snowloop.airflow.operators.stages import ReconcileOperator
from snowloop.airflow.params import target_form
from snowloop.airflow.reprocess_forms import backfill_form
from snowloop.project import usable_projects

for project in usable_projects():
    with project_dag(project, "backfill", about=__doc__, params=target_form() | backfill_form()):
        backfill = BackfillOperator(task_id="backfill", project=project.name)
        backfill >> ReconcileOperator(task_id="reconcile", project=project.name)
