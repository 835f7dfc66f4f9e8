"""A local, persistent server that speaks Snowflake's protocol, on DuckDB."""
