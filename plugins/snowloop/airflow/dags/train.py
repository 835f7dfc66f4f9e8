"""Train, test and promote a model: files, contract, training set, candidates, evaluation, gate, champion."""

from airflow.sdk import DAG

from snowloop.airflow.drawing import project_dag, retraining_asset, settle_retraining, train_group
from snowloop.airflow.params import data_form, override_form, target_form
from snowloop.project import Project


def draw(project: Project) -> DAG:
    """Draw the DAG of one project."""
    form = target_form() | data_form(project) | override_form()
    with project_dag(
        project,
        "train",
        about=__doc__,
        params=form,
        schedule=project.schedule.train,
        asset=retraining_asset(project),
        deadline=project.schedule.train_within,
    ) as dag:
        settle_retraining(project, train_group(project, part="all"))
    return dag
