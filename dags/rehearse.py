"""Rehearse retraining and rollback: train the champion again, switch back and forth, measure the served scores."""

from snowloop.airflow.dags import project_dag
from snowloop.airflow.operators.evidence import RehearseOperator
from snowloop.airflow.params import target_form
from snowloop.project import usable_projects

for project in usable_projects():
    with project_dag(project, "rehearse", about=__doc__, params=target_form(), schedule="@weekly"):
        RehearseOperator(task_id="rehearse", project=project.name)
