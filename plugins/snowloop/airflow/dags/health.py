"""Check the scoring loop and what serves, and send alerts; each finding, such as a stale stream, says what to do."""

from airflow.sdk import DAG

from snowloop.airflow.drawing import project_dag
from snowloop.airflow.operators.evidence import MonitorOperator, ProbationOperator
from snowloop.airflow.operators.reprocess import HealthOperator, RecoverOperator
from snowloop.airflow.operators.retraining import RetrainOperator
from snowloop.airflow.params import recover_form, target_form
from snowloop.project import Project


def draw(project: Project) -> DAG:
    """Draw the DAG of one project."""
    form = target_form() | recover_form()
    with project_dag(project, "health", about=__doc__, params=form, schedule="@hourly") as dag:
        recover = RecoverOperator(task_id="recover", project=project.name)
        recover >> HealthOperator(task_id="health", project=project.name)
        recover >> MonitorOperator(task_id="monitor", project=project.name)
        if project.champion.probation:
            recover >> ProbationOperator(task_id="probation", project=project.name)
        if project.monitoring.retrain_on:
            recover >> RetrainOperator(task_id="retrain", project=project.name)
    return dag
