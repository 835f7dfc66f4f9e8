"""Snowflake's SQL: parsed, resolved, rewritten and translated to DuckDB's."""
