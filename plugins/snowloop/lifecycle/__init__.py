"""What each stage of the life cycle does: functions of a Snowpark session and a project, without Airflow."""
