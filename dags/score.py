"""Deploy native scoring, bring in every new file, and check that each new row is scored or quarantined once."""

from snowloop.airflow.dags import project_dag, score_group
from snowloop.airflow.params import data_form, target_form, wait_form
from snowloop.project import usable_projects

for project in usable_projects():
    form = target_form() | data_form(project) | wait_form()
    with project_dag(project, "score", about=__doc__, params=form):
        score_group(project)
