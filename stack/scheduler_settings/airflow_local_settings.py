"""Imported by Airflow's scheduler when this folder is on its path: loads once what every task would load again.

The scheduler's local executor forks a process for each task; what is imported here is there already, which saves each
task some seconds.
"""

import snowflake.snowpark  # noqa: F401
