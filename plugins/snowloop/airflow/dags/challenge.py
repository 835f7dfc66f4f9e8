"""Name a challenger, compare it with the champion, withdraw it, or promote it through the gate."""

from airflow.sdk import DAG

from snowloop.airflow.drawing import challenge_tasks, project_dag
from snowloop.airflow.params import challenge_form, target_form
from snowloop.project import Project


def draw(project: Project) -> DAG:
    """Draw the DAG of one project."""
    with project_dag(project, "challenge", about=__doc__, params=target_form() | challenge_form()) as dag:
        challenge_tasks(project)
    return dag
