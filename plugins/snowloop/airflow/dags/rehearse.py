"""Verify that nothing is lost, twice, or disagrees; then rehearse retraining and rollback, measure served scores."""

from airflow.sdk import DAG

from snowloop.airflow.drawing import project_dag
from snowloop.airflow.operators.evidence import RehearseOperator, VerifyOperator
from snowloop.airflow.params import target_form
from snowloop.project import Project


def draw(project: Project) -> DAG:
    """Draw the DAG of one project."""
    with project_dag(project, "rehearse", about=__doc__, params=target_form(), schedule="@weekly") as dag:
        verify = VerifyOperator(task_id="verify", project=project.name)
        verify >> RehearseOperator(task_id="rehearse", project=project.name)
    return dag
