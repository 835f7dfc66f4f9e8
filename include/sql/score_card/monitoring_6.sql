-- Times that a run was held against the ones before it; where times of the tasks are kept, a person can look at them.
SELECT
    (SELECT COUNT(*) FROM {{ identifier(database, 'OPS', 'MONITORING_CHECKS') }} WHERE NAME = 'SCORING_TIME') AS RAN,
    COUNT(*) AS BY_HAND,
    'begin and end of ' || COUNT(*) || ' runs of the tasks kept' || COALESCE('; last check: ' || (
        SELECT MAX_BY(REASON, CHECKED_AT) FROM {{ identifier(database, 'OPS', 'MONITORING_CHECKS') }} WHERE NAME = 'SCORING_TIME'
    ), '') AS FOUND
FROM {{ identifier(database, 'OPS', 'TASK_RUNS') }}
WHERE STARTED_AT IS NOT NULL AND FINISHED_AT IS NOT NULL
