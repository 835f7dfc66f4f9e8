{# When the first scoring run of the loop ended that began at or after a moment, and so took all that had arrived by then. #}
SELECT MIN(FINISHED_AT) AS ENDED
FROM {{ identifier(database, 'OPS', 'RUNS') }}
WHERE STARTED_AT >= {{ since }} AND STATE = 'SUCCEEDED' AND KIND IS NULL
