"""A DAG file for the test of the deferrable sensors: rows have come, a graph run has ended, no row is left."""

from airflow.sdk import DAG, Param

from snowloop.airflow.sensors.scoring import BacklogBelowSensor, GraphRunFinishedSensor, StreamHasDataSensor

PROJECT = "credit_approval"
WAIT = {"poke_interval": 2, "timeout": 600}

with DAG("waiting", schedule=None, params={"target": Param("dev")}, default_args=WAIT):
    come = StreamHasDataSensor(task_id="rows_have_come", project=PROJECT)
    over = GraphRunFinishedSensor(task_id="run_is_over", project=PROJECT)
    come >> over >> BacklogBelowSensor(task_id="no_row_is_left", project=PROJECT, rows=1)
