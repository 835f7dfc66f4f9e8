"""Run the whole life cycle in one trigger: environment, training to a champion, native scoring of arriving files."""

from snowloop.airflow.dags import environment_group, project_dag, replay_group, train_group
from snowloop.airflow.params import data_form, override_form, target_form, wait_form
from snowloop.project import usable_projects

for project in usable_projects():
    form = target_form() | data_form(project) | override_form() | wait_form()
    with project_dag(project, "life_cycle", about=__doc__, params=form):
        environment_group(project) >> train_group(project, part="initial") >> replay_group(project)
