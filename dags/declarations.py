"""Show in Airflow, as this file's import error, which declarations cannot be used; the DAGs of other projects go on."""

from snowloop.project import declared_projects

declared_projects()
