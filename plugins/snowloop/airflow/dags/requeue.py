"""Score quarantined rows that keep the contract now, after they or the rule were corrected; nothing else is scored."""

from airflow.sdk import DAG

from snowloop.airflow.drawing import project_dag
from snowloop.airflow.operators.reprocess import RequeueOperator
from snowloop.airflow.operators.stages import ReconcileOperator
from snowloop.airflow.params import target_form, version_form
from snowloop.project import Project


def draw(project: Project) -> DAG:
    """Draw the DAG of one project."""
    with project_dag(project, "requeue", about=__doc__, params=target_form() | version_form()) as dag:
        requeue = RequeueOperator(task_id="requeue", project=project.name)
        requeue >> ReconcileOperator(task_id="reconcile", project=project.name)
    return dag
