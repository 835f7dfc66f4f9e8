-- Look-ups of the scoring loop: its runs, its backlog, and the task graph.

-- name: last_runs
SELECT STARTED_AT, STATE, MODEL_VERSION, ROWS_READ, ROWS_SCORED, ROWS_QUARANTINED, ERROR
FROM {{ identifier(database, 'OPS', 'RUNS') }}
ORDER BY FINISHED_AT DESC
LIMIT {{ count }}

-- name: runs_since
SELECT RUN_ID, MODEL_VERSION, STATE, ROWS_READ, ROWS_SCORED, ROWS_QUARANTINED
FROM {{ identifier(database, 'OPS', 'RUNS') }}
WHERE FINISHED_AT >= {{ since|bind }}::TIMESTAMP_NTZ AND STATE = 'SUCCEEDED' AND KIND IS NULL
ORDER BY FINISHED_AT

-- name: first_run_since
{# When the first run of the loop finished that began at or after a moment, and so scored all that had arrived by then. #}
SELECT MIN(FINISHED_AT) AS ENDED
FROM {{ identifier(database, 'OPS', 'RUNS') }}
WHERE STARTED_AT >= {{ since|bind }}::TIMESTAMP_NTZ AND STATE = 'SUCCEEDED' AND KIND IS NULL

-- name: unfinished_recovery
SELECT RUN_ID, STARTED_AT FROM {{ identifier(database, 'OPS', 'RUNS') }}
WHERE KIND = 'recovery' AND STATE = 'RUNNING'
ORDER BY STARTED_AT

-- name: last_challenge
SELECT MODE, ROWS_SCORED, ERROR
FROM {{ identifier(database, 'OPS', 'CHALLENGES') }}
WHERE CHALLENGER = {{ version|bind }} AND ROWS_SCORED IS NOT NULL
ORDER BY NOTED_AT DESC
LIMIT 1

-- name: quarantine_reasons
SELECT REASON, COUNT(*) AS N
FROM {{ identifier(database, 'SERVING', 'QUARANTINE') }}
WHERE QUARANTINED_AT >= DATEADD('hour', -24, SYSDATE())
GROUP BY REASON
ORDER BY N DESC, REASON
LIMIT {{ count }}

-- name: last_load
SELECT COALESCE(MAX(LOADED_AT), '1970-01-01'::TIMESTAMP_NTZ)::VARCHAR AS AT
FROM {{ identifier(database, 'OPS', 'LOADS') }}
WHERE SOURCE = {{ table|bind }}

-- name: last_row_loaded
-- The same of a table that others fill, by the declared time of its rows.
SELECT COALESCE(MAX({{ moment }}), '1970-01-01'::TIMESTAMP_NTZ)::VARCHAR AS AT FROM {{ table }}

-- name: oldest_pending_load
-- Age in seconds of the first load after the last successful run of the loop began; NULL if there is none.
SELECT TIMESTAMPDIFF('second', MIN(LOADED_AT), SYSDATE()) AS AGE
FROM {{ identifier(database, 'OPS', 'LOADS') }}
WHERE SOURCE = {{ table|bind }} AND ROWS_LOADED > 0 AND LOADED_AT >= (
    SELECT COALESCE(MAX(STARTED_AT), '1970-01-01'::TIMESTAMP_NTZ)
    FROM {{ identifier(database, 'OPS', 'RUNS') }} WHERE STATE = 'SUCCEEDED' AND KIND IS NULL
)

-- name: oldest_pending_row
-- The same of a table that others fill: rows that were loaded since the last successful run of the loop began.
SELECT TIMESTAMPDIFF('second', MIN({{ moment }}), SYSDATE()) AS AGE
FROM {{ table }}
WHERE {{ moment }} >= (
    SELECT COALESCE(MAX(STARTED_AT), '1970-01-01'::TIMESTAMP_NTZ)
    FROM {{ identifier(database, 'OPS', 'RUNS') }} WHERE STATE = 'SUCCEEDED' AND KIND IS NULL
)

-- name: count_pending
-- Rows in the stream; a corrected row is in it twice, with its old and its new version.
SELECT COUNT(*) AS N FROM {{ stream }} WHERE METADATA$ACTION = 'INSERT' OR NOT METADATA$ISUPDATE

-- name: runs_under_way
{#
    Runs of the graph that are under way, also between two of its tasks, and those that are due. By the root's name, so that a
    run whose root was replaced since is included; the same name may exist in other databases of the account.
#}
SELECT ROOT_TASK_ID, GRAPH_RUN_GROUP_ID::VARCHAR AS GRAPH_RUN, COALESCE(QUERY_START_TIME, SCHEDULED_TIME) AS BEGAN
FROM TABLE({{ database|identifier }}.INFORMATION_SCHEMA.CURRENT_TASK_GRAPHS(ROOT_TASK_NAME => {{ root|bind }}, RESULT_LIMIT => 10000))
WHERE DATABASE_NAME = {{ database|bind }} AND SCHEMA_NAME = 'SERVING'
    AND (STATE <> 'SCHEDULED' OR SCHEDULED_TIME <= CURRENT_TIMESTAMP())

-- name: statement_of_run
{# The statement of the root in one run of the graph. #}
SELECT QUERY_TEXT
FROM TABLE({{ database|identifier }}.INFORMATION_SCHEMA.TASK_HISTORY(ROOT_TASK_ID => {{ root_id|bind }}, RESULT_LIMIT => 10000))
WHERE NAME = {{ root|bind }} AND GRAPH_RUN_GROUP_ID::VARCHAR = {{ graph_run|bind }}

-- name: task_history
{#
    Runs of the tasks of one graph, the latest first. TASK_HISTORY applies its limit before WHERE, so the graph is an argument:
    otherwise runs of other tasks of the account would push the graph's runs out.
#}
SELECT NAME, STATE, ERROR_MESSAGE, GRAPH_RUN_GROUP_ID::VARCHAR AS GRAPH_RUN, ATTEMPT_NUMBER, SCHEDULED_TIME, QUERY_START_TIME, COMPLETED_TIME
FROM TABLE({{ database|identifier }}.INFORMATION_SCHEMA.TASK_HISTORY(ROOT_TASK_ID => {{ root_id|bind }}, RESULT_LIMIT => 10000))
WHERE STATE <> 'SKIPPED' AND NOT (STATE = 'SCHEDULED' AND NAME = {{ root|bind }})
ORDER BY SCHEDULED_TIME DESC
LIMIT {{ count }}
