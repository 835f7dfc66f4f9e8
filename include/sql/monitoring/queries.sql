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
-- The last scoring runs, the oldest first: how long each took, for how many rows, and whether it is yet to be judged.
SELECT
    RUN_ID, MODEL_VERSION, ROWS_READ, STARTED_AT, FINISHED_AT, DATEDIFF('millisecond', STARTED_AT, FINISHED_AT) / 1000 AS SECONDS,
    STARTED_AT > COALESCE((
        SELECT MAX(WINDOW_START) FROM {{ identifier(database, 'OPS', 'MONITORING_CHECKS') }} WHERE NAME = 'SCORING_TIME'
    ), '1970-01-01'::TIMESTAMP_NTZ) AS IS_NEW
FROM {{ identifier(database, 'OPS', 'RUNS') }}
WHERE STATE = 'SUCCEEDED' AND KIND IS NULL AND ROWS_READ > 0
QUALIFY ROW_NUMBER() OVER (ORDER BY STARTED_AT DESC, RUN_ID) <= {{ limit }}
ORDER BY STARTED_AT, RUN_ID DESC

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

-- name: record_windows
-- Judgements of windows that differ from the last one of the same window, so that looking again writes nothing.
INSERT INTO {{ identifier(database, 'OPS', 'MONITORING_CHECKS') }}
    (NAME, MODEL_VERSION, WINDOW_START, WINDOW_END, VALUE, BOUND, PASSED, N, REASON, CHECKED_AT)
SELECT S.NAME, S.MODEL_VERSION, S.WINDOW_START, S.WINDOW_END, S.VALUE, S.BOUND, S.PASSED, S.N, S.REASON, SYSDATE()
FROM (
    {% for each in windows %}
    SELECT
        {{ each.window.check.name|bind }} AS NAME,
        {{ each.window.version|bind }}::VARCHAR AS MODEL_VERSION,
        {{ each.start|bind }}::TIMESTAMP_NTZ AS WINDOW_START,
        {{ each.end|bind }}::TIMESTAMP_NTZ AS WINDOW_END,
        {{ each.window.check.value|bind }}::FLOAT AS VALUE,
        {{ each.window.check.bound|bind }}::FLOAT AS BOUND,
        {{ (none if each.window.check.outcome == "not_asked" else each.window.check.passed)|bind }}::BOOLEAN AS PASSED,
        {{ each.window.rows|bind }}::NUMBER(38,0) AS N,
        {{ each.window.check.reason|bind }} AS REASON
    {{ "UNION ALL" if not loop.last }}
    {% endfor %}
) AS S
LEFT JOIN (
    SELECT NAME, MODEL_VERSION, WINDOW_START, WINDOW_END, VALUE, BOUND, PASSED, N, REASON
    FROM {{ identifier(database, 'OPS', 'MONITORING_CHECKS') }}
    -- without the bounds each look would read all that was ever judged
    WHERE WINDOW_END >= {{ oldest|bind }}::TIMESTAMP_NTZ AND NAME IN ({% for name in names %}{{ name|bind }}{{ ", " if not loop.last }}{% endfor %})
    QUALIFY ROW_NUMBER() OVER (PARTITION BY NAME, MODEL_VERSION, WINDOW_START, WINDOW_END ORDER BY CHECKED_AT DESC) = 1
) AS K
    ON K.NAME = S.NAME AND K.MODEL_VERSION IS NOT DISTINCT FROM S.MODEL_VERSION
    AND K.WINDOW_START = S.WINDOW_START AND K.WINDOW_END = S.WINDOW_END
WHERE K.NAME IS NULL OR K.VALUE IS DISTINCT FROM S.VALUE OR K.BOUND IS DISTINCT FROM S.BOUND
    OR K.PASSED IS DISTINCT FROM S.PASSED OR K.N IS DISTINCT FROM S.N OR K.REASON IS DISTINCT FROM S.REASON
