"""Training: one call of a procedure inside Snowflake a candidate."""
