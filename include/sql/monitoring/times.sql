-- The last scoring runs, the newest first: how long each took, and for how many rows.
SELECT RUN_ID, ROWS_READ, DATEDIFF('millisecond', STARTED_AT, FINISHED_AT) / 1000 AS SECONDS
FROM {{ identifier(database, 'OPS', 'RUNS') }}
WHERE STATE = 'SUCCEEDED' AND KIND IS NULL AND ROWS_READ > 0
ORDER BY STARTED_AT DESC, RUN_ID
LIMIT {{ most }}
