"""Code that runs inside Snowflake: staged under a name with its hash, imported by stored procedures."""
