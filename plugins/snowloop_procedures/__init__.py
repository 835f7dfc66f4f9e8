"""What runs inside Snowflake: handlers of stored procedures. It is staged as one archive."""
