"""Snowflake's HTTP protocol: requests, responses, and the server."""
