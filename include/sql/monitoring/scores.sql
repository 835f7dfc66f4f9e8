-- Scores of the version in the runs of the last day, and in its last run, and how many of them are no finite number.
SELECT COUNT(*) AS RUNS, COALESCE(SUM(ROWS_SCORED), 0) AS N, COALESCE(SUM(NOT_FINITE), 0) AS NOT_FINITE
FROM {{ identifier(database, 'OPS', 'METRICS') }}
WHERE MODEL_VERSION = {{ version|literal }} AND NOT_FINITE IS NOT NULL AND ROWS_SCORED > 0
    AND REFRESHED_AT >= LEAST(
        DATEADD('day', -1, SYSDATE()),
        (SELECT MAX(REFRESHED_AT) FROM {{ identifier(database, 'OPS', 'METRICS') }} WHERE MODEL_VERSION = {{ version|literal }} AND ROWS_SCORED > 0)
    )
