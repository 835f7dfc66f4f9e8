-- What a target has of one row, by its key; the values of the key are text, and one that is not of the column's type is of no row.

-- name: scores
SELECT {{ "PREDICTION, PROBABILITIES, " if classes }}SCORE, MODEL_VERSION, RUN_ID, SCORED_AT, FEATURES, EVENT_TIME
FROM {{ identifier(database, 'SERVING', 'SCORED') }} AS S
WHERE {% include "debugging/queries.sql#of_key" %}

ORDER BY {{ "EVENT_TIME DESC NULLS LAST, " if several }}SCORED_AT DESC, RUN_ID
LIMIT {{ most }}

-- name: quarantined
SELECT REASON, RUN_ID, QUARANTINED_AT
FROM {{ identifier(database, 'SERVING', 'QUARANTINE') }} AS S
WHERE {% include "debugging/queries.sql#of_key" %}

ORDER BY QUARANTINED_AT DESC, RUN_ID
LIMIT {{ most }}

-- name: source_rows
SELECT OBJECT_CONSTRUCT_KEEP_NULL({% for column in columns %}{{ column|literal }}, S.{{ column|identifier }}{{ ", " if not loop.last }}{% endfor %}) AS ROW_VALUES, NULLIF({{ reason }}, '') AS REASON
FROM {{ table }} AS S
WHERE {% include "debugging/queries.sql#of_key" %}

ORDER BY {{ "S." ~ moment|identifier ~ " DESC NULLS LAST, " if moment }}{{ columns|identifiers("S") }}
LIMIT {{ most }}

-- name: of_key
{% for column, declared in key.items() %}S.{{ column|identifier }} = TRY_CAST({{ declared.value|bind }}::VARCHAR AS {{ declared.type }}){{ " AND " if not loop.last }}{% endfor %}

-- name: population
{# CTE of the rows that fulfil a condition and keep the contract, one of each key. #}
CHECKED AS (
    SELECT {{ columns|identifiers("S") }}, NULL::VARCHAR AS SNOWLOOP_REASON
    FROM (SELECT * FROM {{ table }} WHERE ({{ where }})) AS S
    WHERE NOT {{ fails }}
    QUALIFY ROW_NUMBER() OVER (PARTITION BY {{ key|identifiers("S") }} ORDER BY {{ columns|identifiers("S") }}) = 1
)

-- name: count_population
-- Rows that fulfil the condition, and the keys of those that keep the contract.
SELECT
    (SELECT COUNT(*) FROM {{ table }} WHERE ({{ where }})) AS N,
    (
        SELECT COUNT(*) FROM (
            SELECT DISTINCT {{ key|identifiers("S") }}
            FROM (SELECT * FROM {{ table }} WHERE ({{ where }})) AS S
            WHERE NOT {{ fails }}
        ) AS K
    ) AS VALID_KEYS

-- name: create_population
CREATE TEMPORARY TABLE {{ identifier(database, 'SERVING', own) }} LIKE {{ identifier(database, 'SERVING', 'SCORED') }}

-- name: scored_population
SELECT COUNT(*) AS N, COUNT(DISTINCT {{ key|identifiers }}) AS KEYS FROM {{ identifier(database, 'SERVING', own) }}

-- name: keep_population
CREATE TABLE {{ table }} AS SELECT * FROM {{ identifier(database, 'SERVING', own) }}

-- name: read_population
SELECT * FROM {{ identifier(database, 'SERVING', own) }} ORDER BY {{ key|identifiers }}

-- name: drop_population
DROP TABLE IF EXISTS {{ identifier(database, 'SERVING', own) }}
