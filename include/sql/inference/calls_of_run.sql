{# What the root of one run of the graph executes, or was to execute. #}
SELECT QUERY_TEXT
FROM TABLE({{ database|identifier }}.INFORMATION_SCHEMA.TASK_HISTORY(ROOT_TASK_ID => {{ root_id|literal }}, RESULT_LIMIT => 10000))
WHERE NAME = {{ root|literal }} AND GRAPH_RUN_GROUP_ID::VARCHAR = {{ graph_run|literal }}
