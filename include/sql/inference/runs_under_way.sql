{#
    Runs of the graph that are under way, between two of its tasks too, and those that are due and about to begin.
    By the root's name, so that a run whose root was replaced since is among them: names are of the whole account.
#}
SELECT ROOT_TASK_ID, GRAPH_RUN_GROUP_ID::VARCHAR AS GRAPH_RUN, COALESCE(QUERY_START_TIME, SCHEDULED_TIME) AS BEGAN
FROM TABLE({{ database|identifier }}.INFORMATION_SCHEMA.CURRENT_TASK_GRAPHS(ROOT_TASK_NAME => {{ root|literal }}, RESULT_LIMIT => 10000))
WHERE DATABASE_NAME = {{ database|literal }} AND SCHEMA_NAME = 'SERVING'
    AND (STATE <> 'SCHEDULED' OR SCHEDULED_TIME <= CURRENT_TIMESTAMP())
