#!/bin/sh
# Gives the process Airflow's connection to the local Snowflake, made from its token, unless a connection is already set.
set -eu
token=${LOCAL_SNOWFLAKE_TOKEN_FILE:-}
if [ -z "${AIRFLOW_CONN_SNOWFLAKE_DEFAULT:-}" ] && [ -n "$token" ] && [ -r "$token" ]; then
  AIRFLOW_CONN_SNOWFLAKE_DEFAULT=$(python3 /opt/snowloop/docker/local_connection.py "$token")
  export AIRFLOW_CONN_SNOWFLAKE_DEFAULT
fi
exec "$@"
