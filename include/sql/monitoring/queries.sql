-- name: age_of_training_set
-- How many seconds ago the training set of a version was built; NULL if it is not recorded.
SELECT DATEDIFF('second', MIN(CREATED_AT), SYSDATE()) AS AGE
FROM {{ identifier(database, 'OPS', 'TRAINING_SETS') }}
WHERE FINGERPRINT = {{ fingerprint|bind }}

-- name: finite_scores
-- Scores of the version in the runs of the last day, and in its last run, and how many of them are no finite number.
SELECT COUNT(*) AS RUNS, COALESCE(SUM(ROWS_SCORED), 0) AS N, COALESCE(SUM(NOT_FINITE), 0) AS NOT_FINITE
FROM {{ identifier(database, 'OPS', 'METRICS') }}
WHERE MODEL_VERSION = {{ version|bind }} AND NOT_FINITE IS NOT NULL AND ROWS_SCORED > 0
    AND REFRESHED_AT >= LEAST(
        DATEADD('day', -1, SYSDATE()),
        (SELECT MAX(REFRESHED_AT) FROM {{ identifier(database, 'OPS', 'METRICS') }} WHERE MODEL_VERSION = {{ version|bind }} AND ROWS_SCORED > 0)
    )

-- name: scoring_times
-- The last scoring runs, the newest first: how long each took, and for how many rows.
SELECT RUN_ID, ROWS_READ, DATEDIFF('millisecond', STARTED_AT, FINISHED_AT) / 1000 AS SECONDS
FROM {{ identifier(database, 'OPS', 'RUNS') }}
WHERE STATE = 'SUCCEEDED' AND KIND IS NULL AND ROWS_READ > 0
ORDER BY STARTED_AT DESC, RUN_ID
LIMIT {{ limit }}

-- name: served_scores
{% import "features/macros.sql" as macros %}
-- Served scores of a version for rows whose label is known by now, and which it was not trained on.
WITH LABEL_ROWS AS (
{{ label_rows }}
)
SELECT L.{{ label|identifier }} AS LABEL, S.SCORE
FROM {{ identifier(database, 'SERVING', 'SCORED') }} AS S
JOIN LABEL_ROWS AS L ON {{ macros.same_key(key, "L", "S") }}
LEFT JOIN {{ table }} AS T ON {{ macros.same_key(key, "T", "S") }}
WHERE S.MODEL_VERSION = {{ version|literal }} AND S.SCORE IS NOT NULL AND L.{{ label|identifier }} IS NOT NULL
    AND T.{{ key[0]|identifier }} IS NULL
