"""Create the environment of a project: database, schemas, stage and tables; what exists is kept."""

from airflow.sdk import DAG

from snowloop.airflow.drawing import environment_group, project_dag
from snowloop.airflow.params import target_form
from snowloop.project import Project


def draw(project: Project) -> DAG:
    """Draw the DAG of one project."""
    with project_dag(project, "environment", about=__doc__, params=target_form()) as dag:
        environment_group(project)
    return dag
