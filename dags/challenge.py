"""Name a challenger, compare it with the champion, withdraw it, or promote it through the gate."""

from snowloop.airflow.challenge_form import challenge_form
from snowloop.airflow.dags import challenge_tasks, project_dag
from snowloop.airflow.params import target_form
from snowloop.project import usable_projects

for project in usable_projects():
    with project_dag(project, "challenge", about=__doc__, params=target_form() | challenge_form()):
        challenge_tasks(project)
