"""Snowloop: build, test, gate, deploy and roll back machine-learning models inside Snowflake."""
