"""Snowflake's own monitor of the champion, where monitoring.model_monitor declares it: its objects and their plan."""
