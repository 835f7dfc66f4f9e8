-- name: clean_rows
{# Rows of the streamed source that keep the contract; the beginning of a statement. #}
WITH CHECKED AS (
{{ checked }}
),
CLEAN AS (
    SELECT {{ columns|identifiers }} FROM CHECKED WHERE SNOWLOOP_REASON IS NULL
)

-- name: described
{# What a formula gives over the source, of which it may read the declared columns, as when it is computed. #}
WITH DECLARED AS (
    SELECT {{ columns|identifiers }}{% for name, type in added.items() %}, NULL::{{ type }} AS {{ name|identifier }}{% endfor %} FROM {{ table }}
),
FEATURE_ROWS AS (
{{ feature_rows }}
)
SELECT * FROM FEATURE_ROWS

-- name: rows_by_formula
{# What a formula gives over rows that keep the contract: all of them, or those that a training set holds out. #}
{% import "features/macros.sql" as macros %}
(
{% include "features/queries.sql#clean_rows" %}
,
KEPT AS (
    SELECT {{ columns|identifiers("C") }} FROM CLEAN AS C
    {% if table %}
    JOIN {{ table }} AS S ON S.IS_HOLDOUT AND {{ macros.same_key(key, "S", "C") }}
    {% endif %}
),
FEATURE_ROWS AS (
{{ feature_rows }}
)
SELECT F.*, TRUE AS IS_HOLDOUT FROM FEATURE_ROWS AS F
)

-- name: keys_not_once
{# Some keys with another number of results (given) than of rows (wanted), and how many such keys there are in all. #}
SELECT
    {% for column in key %}COALESCE({{ column|identifier }}::VARCHAR, 'null'){{ " || ', ' || " if not loop.last }}{% endfor %} AS SNOWLOOP_KEY,
    SUM(SNOWLOOP_ROW) AS SNOWLOOP_ROWS,
    SUM(SNOWLOOP_RESULT) AS SNOWLOOP_RESULTS,
    COUNT(*) OVER () AS SNOWLOOP_KEYS
FROM (
    SELECT {{ key|identifiers }}, 1 AS SNOWLOOP_ROW, 0 AS SNOWLOOP_RESULT FROM {{ wanted }} AS W
    UNION ALL
    SELECT {{ key|identifiers }}, 0, 1 FROM {{ given }} AS G
) AS K
GROUP BY {{ key|identifiers }}
HAVING SUM(SNOWLOOP_ROW) <> SUM(SNOWLOOP_RESULT)
ORDER BY {{ key|identifiers }}
LIMIT 5

-- name: not_given_once
{% set wanted %}
{% if table %}
(SELECT {{ key|identifiers }} FROM {{ table }} AS T WHERE IS_HOLDOUT)
{% else %}
(SELECT {{ key|identifiers }} FROM ({{ checked }}) AS C WHERE SNOWLOOP_REASON IS NULL)
{% endif %}
{% endset %}
{% include "features/queries.sql#keys_not_once" %}


-- name: repeated_keys
-- Keys that a table has more than once.
{% set wanted, given = "(SELECT DISTINCT " ~ key|identifiers ~ " FROM " ~ table ~ ")", table %}
{% include "features/queries.sql#keys_not_once" %}


-- name: known_labels
{# What label.sql gives and is known by now; C is the row that has the label, where its event time decides. #}
{% import "features/macros.sql" as macros %}
SELECT L.*
FROM (
{{ label }}
) AS L
{% if checked %}
JOIN (
{{ checked }}
) AS C ON C.SNOWLOOP_REASON IS NULL AND {{ macros.same_key(key, "C", "L") }}
{% endif %}
WHERE {{ known }}

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

-- name: formula
SELECT FEATURES_SQL FROM {{ identifier(database, 'OPS', 'TRAINING_SETS') }} WHERE FINGERPRINT = {{ training_set|bind }}

-- name: record_training_set
INSERT INTO {{ identifier(database, 'OPS', 'TRAINING_SETS') }}
    (FINGERPRINT, TABLE_NAME, ROWS_TOTAL, ROWS_HELD_OUT, ROWS_SET_ASIDE, GIT_COMMIT, CREATED_AT, FEATURES_SQL)
SELECT
    {{ fingerprint|bind }}, {{ name|bind }}, {{ rows|bind }}, {{ holdout_rows|bind }}, COUNT(*), {{ git_commit|bind }},
    SYSDATE(), {{ features_sql|bind }}
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

-- name: copy_clean_rows
-- The rows that keep the contract, copied once, so that the time of a feature is not that of the contract.
CREATE TEMPORARY TABLE {{ copy }} AS
{% include "features/queries.sql#clean_rows" %}

SELECT * FROM CLEAN

-- name: some_features
-- Some features of every row that keeps the contract, and nothing else that features.sql gives.
WITH FEATURE_ROWS AS (
{{ feature_rows }}
)
SELECT
    {% for feature in features %}
    COUNT({{ feature.name|identifier }}) AS N_{{ loop.index0 }}{{ "," if not loop.last }}
    {% endfor %}
FROM FEATURE_ROWS

-- name: drop_copy
DROP TABLE IF EXISTS {{ copy }}

-- name: shared_by_both_parts
-- Groups in both parts of a training set, but for case and blanks, and held-out rows whose features are those of a training row.
SELECT
    {% if groups %}
    (
        SELECT COUNT(*) FROM (
            SELECT UPPER(TRIM(SNOWLOOP_GROUP)) AS NAME FROM {{ table }}
            GROUP BY UPPER(TRIM(SNOWLOOP_GROUP)) HAVING COUNT(DISTINCT IS_HOLDOUT) > 1
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

-- name: different_values
-- Of some columns of the source, how many rows have a value, and how many different values there are.
SELECT
    {% for column in columns %}
    COUNT({{ column|identifier }}) AS N_{{ loop.index }},
    COUNT(DISTINCT {{ column|identifier }}) AS D_{{ loop.index }}{{ "," if not loop.last }}
    {% endfor %}
FROM {{ table }}

-- name: purge
-- Without training rows whose label became known after the first held-out event.
DELETE FROM {{ table }}
WHERE NOT IS_HOLDOUT AND SNOWLOOP_KNOWN_AT > (SELECT MIN(SNOWLOOP_EVENT_TIME) FROM {{ table }} WHERE IS_HOLDOUT)
