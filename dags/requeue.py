"""Score quarantined rows that keep the contract now, after they or the rule were corrected; nothing else is scored."""

from snowloop.airflow.dags import project_dag
from snowloop.airflow.operators.reprocess import RequeueOperator
from snowloop.airflow.operators.stages import ReconcileOperator
from snowloop.airflow.params import target_form
from snowloop.airflow.reprocess_forms import version_form
from snowloop.project import usable_projects

for project in usable_projects():
    with project_dag(project, "requeue", about=__doc__, params=target_form() | version_form()):
        requeue = RequeueOperator(task_id="requeue", project=project.name)
        requeue >> ReconcileOperator(task_id="reconcile", project=project.name)
