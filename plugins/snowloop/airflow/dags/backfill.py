"""Score rows of the source again with a chosen version, in batches apart from the loop: new scores of the same rows."""

from airflow.sdk import DAG

from snowloop.airflow.drawing import project_dag
from snowloop.airflow.operators.reprocess import BackfillOperator
from snowloop.airflow.operators.stages import ReconcileOperator
from snowloop.airflow.params import backfill_form, target_form
from snowloop.project import Project


def draw(project: Project) -> DAG:
    """Draw the DAG of one project."""
    with project_dag(project, "backfill", about=__doc__, params=target_form() | backfill_form()) as dag:
        backfill = BackfillOperator(task_id="backfill", project=project.name)
        backfill >> ReconcileOperator(task_id="reconcile", project=project.name)
    return dag
