"""Train, test and promote a model: files, contract, training set, candidates, evaluation, gate, champion."""

from snowloop.airflow.dags import project_dag, train_group
from snowloop.airflow.params import data_form, override_form, target_form
from snowloop.project import usable_projects

for project in usable_projects():
    form = target_form() | data_form(project) | override_form()
    with project_dag(project, "train", about=__doc__, params=form, schedule=project.schedule.train):
        train_group(project, part="all")
