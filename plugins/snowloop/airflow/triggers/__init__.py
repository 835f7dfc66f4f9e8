"""Triggers: what Airflow's triggerer polls for a deferred task."""
