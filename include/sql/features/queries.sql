-- name: clean_rows
{# Rows of the streamed source that keep the contract; the beginning of a statement. #}
WITH CHECKED AS (
{{ checked }}
),
CLEAN AS (
    SELECT {{ columns|identifiers }} FROM CHECKED WHERE SNOWLOOP_REASON IS NULL
)

-- name: feature_and_label_rows
{# The same with their features and labels. #}
{% include "features/queries.sql#clean_rows" %}
,
FEATURE_ROWS AS (
{{ features }}
),
LABEL_ROWS AS (
{{ label }}
)

-- name: joined_rows
{# Each row once: the contract's columns as C, the features as F, the label as L. #}
{% import "features/macros.sql" as macros %}
FROM FEATURE_ROWS AS F
JOIN LABEL_ROWS AS L ON {{ macros.same_key(key, "L", "F") }}
{% if split.by != "hash" or known != "TRUE" %}
JOIN CLEAN AS C ON {{ macros.same_key(key, "C", "F") }}
{% endif %}

-- name: not_yet_known
-- How many rows have a label that is not known yet, and so are kept out of the training set.
{% include "features/queries.sql#feature_and_label_rows" %}

SELECT COUNT_IF(NOT ({{ known }})) AS N
{% include "features/queries.sql#joined_rows" %}

WHERE L.{{ label_column|identifier }} IS NOT NULL

-- name: fingerprint
-- The state of the data in one number: the order of rows does not matter, every value does (hashed twice:
-- if the last value only flips bits of the hash, an even number of equal changes would cancel out).
SELECT
    COUNT(*) AS N,
    COUNT_IF(IS_HOLDOUT) AS HELD_OUT,
    COUNT(DISTINCT {{ key|identifiers }}) AS KEYS,
    BITXOR_AGG(HASH(HASH({{ columns|identifiers }}, IS_HOLDOUT)))::VARCHAR AS CONTENT,
    {% if classes %}
    COUNT_IF({{ label_column|identifier }} NOT IN ({% for class in classes %}{{ class|bind }}{{ ", " if not loop.last }}{% endfor %})) AS UNKNOWN
    {% else %}
    0 AS UNKNOWN
    {% endif %}
FROM {{ table }}

-- name: unknown_classes
-- Labels that are none of the classes, the most frequent first.
SELECT {{ label_column|identifier }}::VARCHAR AS CLASS, COUNT(*) AS N
FROM {{ table }}
WHERE {{ label_column|identifier }} NOT IN ({% for class in classes %}{{ class|bind }}{{ ", " if not loop.last }}{% endfor %})
GROUP BY {{ label_column|identifier }}
ORDER BY N DESC, CLASS
LIMIT 10

-- name: training_set
SELECT ROWS_TOTAL, ROWS_HELD_OUT, ROWS_SET_ASIDE
FROM {{ identifier(database, 'OPS', 'TRAINING_SETS') }}
WHERE FINGERPRINT = {{ fingerprint|bind }}

-- name: record_training_set
INSERT INTO {{ identifier(database, 'OPS', 'TRAINING_SETS') }}
    (FINGERPRINT, TABLE_NAME, ROWS_TOTAL, ROWS_HELD_OUT, ROWS_SET_ASIDE, GIT_COMMIT, CREATED_AT)
SELECT
    {{ fingerprint|bind }}, {{ name|bind }}, {{ rows|bind }}, {{ holdout_rows|bind }}, COUNT(*), {{ git_commit|bind }},
    SYSDATE()
FROM {{ identifier(database, 'FEATURES', 'SET_ASIDE') }}
WHERE TRAINING_SET = {{ fingerprint|bind }}

-- name: set_aside
INSERT INTO {{ identifier(database, 'FEATURES', 'SET_ASIDE') }}
    ({{ columns|identifiers }}, REASON, SOURCE, TRAINING_SET, SET_ASIDE_AT)
WITH CHECKED AS (
{{ checked }}
)
SELECT {{ columns|identifiers }}, SNOWLOOP_REASON, {{ source|bind }}, {{ fingerprint|bind }}, SYSDATE()
FROM CHECKED
WHERE SNOWLOOP_REASON IS NOT NULL

-- name: contract_checks
-- The last run of the contract's checks, if it was over the present rows: how many there were, and how many failed.
WITH CHECKED AS (
    SELECT SOURCE, CHECK_NAME, VALUE, PASSED, CHECKED_AT
    FROM {{ identifier(database, 'OPS', 'CONTRACT_CHECKS') }}
    WHERE CHECKED_AT = (SELECT MAX(CHECKED_AT) FROM {{ identifier(database, 'OPS', 'CONTRACT_CHECKS') }})
),
PRESENT AS (
    {% for source in sources %}
    SELECT {{ source|bind }} AS SOURCE, COUNT(*) AS N FROM {{ identifier(database, 'RAW', source|upper) }}
    {{ "UNION ALL" if not loop.last }}
    {% endfor %}
)
SELECT COUNT(*) AS CHECKS, COUNT_IF(NOT PASSED) AS FAILED
FROM CHECKED
WHERE CHECKED_AT >= (
    SELECT COALESCE(MAX(LOADED_AT), '1970-01-01'::TIMESTAMP_NTZ) FROM {{ identifier(database, 'OPS', 'LOADS') }}
)
AND NOT EXISTS ( -- rows may come by other ways than Snowloop's loads
    SELECT 1
    FROM PRESENT AS P
    LEFT JOIN CHECKED AS C ON C.SOURCE = P.SOURCE AND C.CHECK_NAME = 'ROW_COUNT'
    WHERE C.VALUE IS DISTINCT FROM P.N
)

-- name: one_feature
-- One feature of every row of the source, and nothing else that features.sql gives.
SELECT COUNT(F.{{ feature|identifier }}) AS N
FROM (
{{ feature_rows }}
) AS F

-- name: shared_by_both_parts
-- Keys in both parts of a training set, and held-out rows whose features are those of a training row.
SELECT
    (
        SELECT COUNT(*) FROM (
            SELECT {{ key|identifiers }} FROM {{ table }}
            GROUP BY {{ key|identifiers }} HAVING COUNT(DISTINCT IS_HOLDOUT) > 1
        )
    ) AS SHARED_KEYS,
    {% if groups %}
    (
        SELECT COUNT(*) FROM (
            SELECT SNOWLOOP_GROUP FROM {{ table }} GROUP BY SNOWLOOP_GROUP HAVING COUNT(DISTINCT IS_HOLDOUT) > 1
        )
    ) AS SHARED_GROUPS,
    {% endif %}
    COUNT_IF(H.IN_TRAINING) AS IDENTICAL,
    COUNT(*) AS HELD_OUT
FROM (
    SELECT MAX(CASE WHEN IS_HOLDOUT THEN 0 ELSE 1 END) OVER (
        PARTITION BY {{ features|map(attribute="name")|identifiers }}
    ) = 1 AS IN_TRAINING, IS_HOLDOUT
    FROM {{ table }}
) AS H
WHERE H.IS_HOLDOUT
