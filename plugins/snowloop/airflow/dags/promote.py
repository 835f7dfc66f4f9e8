"""Promote the very version of one target into another: copied, judged there, made champion, deployed, and tried."""

from airflow.sdk import DAG

from snowloop.airflow.drawing import project_dag, promotion_tasks
from snowloop.airflow.params import promotion_form
from snowloop.project import Project


def draw(project: Project) -> DAG | None:
    """Draw the DAG of one project; none if no target of targets.yaml says where its versions come from."""
    if not project.targets.promoted_into():
        return None
    with project_dag(project, "promote", about=__doc__, params=promotion_form(project)) as dag:
        promotion_tasks(project)
    return dag
