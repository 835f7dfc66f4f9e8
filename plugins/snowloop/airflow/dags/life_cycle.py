"""Run the whole life cycle in one trigger: environment, training to a champion, native scoring of arriving files."""

from airflow.sdk import DAG

from snowloop.airflow.drawing import environment_group, project_dag, replay_group, train_group
from snowloop.airflow.params import data_form, override_form, target_form, wait_form
from snowloop.project import Project


def draw(project: Project) -> DAG:
    """Draw the DAG of one project."""
    form = target_form() | data_form(project) | override_form() | wait_form()
    with project_dag(project, "life_cycle", about=__doc__, params=form) as dag:
        environment_group(project) >> train_group(project, part="initial") >> replay_group(project)
    return dag
