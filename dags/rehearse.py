"""Try out what one hopes never to need: the champion trained again, a rollback, what served scores were worth."""

from snowloop.airflow.dags import loop_dag
from snowloop.airflow.operators.evidence import RehearseOperator
from snowloop.airflow.params import target_form
from snowloop.project import usable_projects

for project in usable_projects():
    with loop_dag(project, "rehearse", about=__doc__, params=target_form(), schedule="@weekly"):
        RehearseOperator(task_id="rehearse", project=project.name)
