-- Runs after each run of the graph, failed or not, and logs the runs of the root that are not logged yet.
CREATE OR REPLACE TASK {{ task }}
    {% include "inference/task_compute.sql" %}
    COMMENT = {{ comment|literal }}
    FINALIZE = {{ root }}
AS
INSERT INTO {{ identifier(database, 'OPS', 'TASK_RUNS') }}
    (TASK_NAME, QUERY_ID, GRAPH_RUN_GROUP_ID, STATE, ERROR, STARTED_AT, FINISHED_AT, LOGGED_AT)
SELECT
    H.NAME, H.QUERY_ID, H.GRAPH_RUN_GROUP_ID::VARCHAR, H.STATE, H.ERROR_MESSAGE,
    CONVERT_TIMEZONE('UTC', H.QUERY_START_TIME)::TIMESTAMP_NTZ, CONVERT_TIMEZONE('UTC', H.COMPLETED_TIME)::TIMESTAMP_NTZ,
    SYSDATE()
FROM TABLE({{ database|identifier }}.INFORMATION_SCHEMA.TASK_HISTORY(TASK_NAME => {{ root_name|literal }}, RESULT_LIMIT => 1000)) AS H
WHERE H.SCHEMA_NAME = 'SERVING'
    AND H.STATE IN ('SUCCEEDED', 'FAILED', 'CANCELLED', 'FAILED_AND_AUTO_SUSPENDED')
    AND NOT EXISTS (
        SELECT 1 FROM {{ identifier(database, 'OPS', 'TASK_RUNS') }} AS K
        WHERE K.GRAPH_RUN_GROUP_ID = H.GRAPH_RUN_GROUP_ID::VARCHAR
            AND K.FINISHED_AT = CONVERT_TIMEZONE('UTC', H.COMPLETED_TIME)::TIMESTAMP_NTZ
    )
