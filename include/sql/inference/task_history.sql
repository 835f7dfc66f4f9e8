{#
    Runs of one graph's tasks, the latest first. TASK_HISTORY cuts at its limit before WHERE is looked at, so that the
    graph is named to it: of the whole account other tasks would push the graph's runs out.
#}
SELECT NAME, STATE, ERROR_MESSAGE, GRAPH_RUN_GROUP_ID::VARCHAR AS GRAPH_RUN, ATTEMPT_NUMBER, SCHEDULED_TIME, QUERY_START_TIME, COMPLETED_TIME
FROM TABLE({{ database|identifier }}.INFORMATION_SCHEMA.TASK_HISTORY(ROOT_TASK_ID => {{ root_id|literal }}, RESULT_LIMIT => 10000))
WHERE STATE <> 'SKIPPED' AND NOT (STATE = 'SCHEDULED' AND NAME = {{ root|literal }})
ORDER BY SCHEDULED_TIME DESC
LIMIT {{ count }}
