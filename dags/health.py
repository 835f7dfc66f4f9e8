"""Check the scoring loop and what serves: each finding, from a stale stream to an old model, fails with what to do."""

from snowloop.airflow.dags import project_dag
from snowloop.airflow.operators.evidence import MonitorOperator
from snowloop.airflow.operators.reprocess import HealthOperator, RecoverOperator
from snowloop.airflow.params import target_form
from snowloop.airflow.reprocess_forms import recover_form
from snowloop.project import usable_projects

for project in usable_projects():
    form = target_form() | recover_form()
    with project_dag(project, "health", about=__doc__, params=form, schedule="@hourly"):
        recover = RecoverOperator(task_id="recover", project=project.name)
        recover >> HealthOperator(task_id="health", project=project.name)
        recover >> MonitorOperator(task_id="monitor", project=project.name)
