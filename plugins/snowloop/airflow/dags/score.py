"""Deploy native scoring, bring in every new file, and check that each new row is scored or quarantined once."""

from airflow.sdk import DAG

from snowloop.airflow.drawing import project_dag, score_group
from snowloop.airflow.params import data_form, target_form, wait_form
from snowloop.project import Project


def draw(project: Project) -> DAG:
    """Draw the DAG of one project."""
    form = target_form() | data_form(project) | wait_form()
    within = project.schedule.score_within
    with project_dag(project, "score", about=__doc__, params=form, deadline=within) as dag:
        score_group(project)
    return dag
