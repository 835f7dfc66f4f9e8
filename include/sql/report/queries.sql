-- name: verdict
SELECT
    MODEL_VERSION, CHECK_NAME, VALUE, BOUND, BASELINE, PASSED, REASON, TRAINING_SET, GIT_COMMIT, DECIDED_AT,
    EVALUATION_ID, CHAMPION, JUDGED_VERSION
FROM {{ identifier(database, 'OPS', 'VERDICTS') }}
WHERE VERDICT_ID = {{ verdict_id|bind }}

-- name: evaluation_details
SELECT DETAILS::VARCHAR AS DETAILS
FROM {{ identifier(database, 'OPS', 'EVALUATION_DETAILS') }}
WHERE EVALUATION_ID = {{ evaluation_id|bind }}

-- name: training_set
SELECT TABLE_NAME, ROWS_TOTAL, ROWS_HELD_OUT, ROWS_SET_ASIDE, GIT_COMMIT, CREATED_AT
FROM {{ identifier(database, 'OPS', 'TRAINING_SETS') }}
WHERE FINGERPRINT = {{ fingerprint|bind }}

-- name: loads
-- What had been loaded of each source when a training set was built, and the last query that loaded it.
SELECT
    SOURCE, COUNT(*) AS FILES, SUM(ROWS_LOADED) AS ROWS_LOADED, SUM(ROWS_REJECTED) AS ROWS_REJECTED,
    MAX(ROWS_REJECTED / NULLIF(ROWS_READ, 0)) AS HIGHEST_SHARE, MAX_BY(QUERY_ID, LOADED_AT) AS QUERY_ID
FROM {{ identifier(database, 'OPS', 'LOADS') }}
WHERE LOADED_AT <= {{ built_at|bind }}::TIMESTAMP_NTZ
GROUP BY SOURCE
ORDER BY SOURCE

-- name: labels
-- Rows of a training set by its two parts and, of a classification, by class; of a regression, a summary of the labels.
SELECT
    IS_HOLDOUT,
    {{ (label|identifier ~ '::VARCHAR') if classes else 'NULL' }} AS CLASS,
    COUNT(*) AS N,
    {% if classes %}
    NULL AS MEAN, NULL AS DEVIATION, NULL AS LOWEST, NULL AS HIGHEST
    {% else %}
    AVG({{ label|identifier }}) AS MEAN, STDDEV({{ label|identifier }}) AS DEVIATION,
    MIN({{ label|identifier }}) AS LOWEST, MAX({{ label|identifier }}) AS HIGHEST
    {% endif %}
FROM {{ table }}
GROUP BY 1, 2
ORDER BY 1, 2

-- name: single_features
-- How well each feature alone predicts the label, by the last check of a training set.
SELECT FEATURE, VALUE
FROM {{ identifier(database, 'OPS', 'LEAKAGE_CHECKS') }}
WHERE TRAINING_SET = {{ fingerprint|bind }} AND CHECK_NAME = 'SINGLE_FEATURE'
QUALIFY ROW_NUMBER() OVER (PARTITION BY FEATURE ORDER BY CHECKED_AT DESC) = 1
ORDER BY FEATURE
