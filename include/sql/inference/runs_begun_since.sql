{# Scoring runs of the loop that began at or after a moment and took all that had arrived by then. #}
SELECT COUNT(*) AS N
FROM {{ identifier(database, 'OPS', 'RUNS') }}
WHERE STARTED_AT >= {{ since }} AND STATE = 'SUCCEEDED' AND KIND IS NULL
