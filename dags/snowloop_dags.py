"""All DAGs of all projects in Airflow."""

from snowloop.airflow.dags import *  # noqa: F403 - Airflow looks for DAGs among the globals of this file
