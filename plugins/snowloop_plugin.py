"""Registers Snowloop with Airflow: the listener that writes run notes."""

from airflow.plugins_manager import AirflowPlugin

from snowloop.airflow import run_notes


class SnowloopPlugin(AirflowPlugin):
    """Everything that Snowloop adds to Airflow beyond its DAGs."""

    name = "snowloop"
    listeners = (run_notes,)
