"""Create the environment of a project: database, schemas, stage and tables; what exists is kept."""

from snowloop.airflow.dags import environment_group, project_dag
from snowloop.airflow.params import target_form
from snowloop.project import usable_projects

for project in usable_projects():
    with project_dag(project, "environment", about=__doc__, params=target_form()):
        environment_group(project)
