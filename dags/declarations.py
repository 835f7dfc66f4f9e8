"""Show in Airflow, as this file's import error, which declarations cannot be used; other projects keep their DAGs."""

from snowloop.project import declared_projects

declared_projects()
