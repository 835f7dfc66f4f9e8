-- Rows that keep the contract but that the model cannot score: found by halves and quarantined, in the run's transaction.

-- name: list_rows
-- The rows that keep the contract and have no score of this run, numbered.
INSERT INTO {{ identifier(database, 'OPS', 'RECOVERY_ROWS') }} ({{ columns|identifiers }}, SNOWLOOP_NUMBER, RUN_ID)
WITH
{% include checked_rows %}

SELECT
    {{ columns|identifiers("C") }},
    ROW_NUMBER() OVER (ORDER BY {{ key|identifiers("C") }}),
    {{ run_id|bind }} || ' unscored'
FROM CHECKED AS C
WHERE C.SNOWLOOP_REASON IS NULL AND NOT EXISTS (
    SELECT 1 FROM {{ identifier(database, 'SERVING', 'SCORED') }} AS D
    WHERE D.RUN_ID = {{ run_id|bind }}{% for column in key %} AND D.{{ column|identifier }} = C.{{ column|identifier }}{% endfor %}

)

-- name: range
{# CTE of some of these rows, for the statement that scores. #}
CHECKED AS (
    SELECT {{ columns|identifiers }}, NULL::VARCHAR AS SNOWLOOP_REASON
    FROM {{ identifier(database, 'OPS', 'RECOVERY_ROWS') }}
    WHERE RUN_ID = {{ run_id|bind }} || ' unscored'
        AND SNOWLOOP_NUMBER BETWEEN {{ first_row|bind }} AND {{ last_row|bind }}
)

-- name: quarantine_row
INSERT INTO {{ identifier(database, 'SERVING', 'QUARANTINE') }}
    ({{ columns|identifiers }}, REASON, SOURCE, RUN_ID, QUARANTINED_AT)
SELECT {{ columns|identifiers }}, {{ problem|bind }}, {{ source|literal }}, {{ run_id|bind }}, SYSDATE()
FROM {{ identifier(database, 'OPS', 'RECOVERY_ROWS') }}
WHERE RUN_ID = {{ run_id|bind }} || ' unscored' AND SNOWLOOP_NUMBER = {{ first_row|bind }}

-- name: forget_rows
DELETE FROM {{ identifier(database, 'OPS', 'RECOVERY_ROWS') }} WHERE RUN_ID = {{ run_id|bind }} || ' unscored'

-- name: known_row
{% import "scoring/prediction.sql" as prediction with context %}
-- Whether the model still scores one of the rows that were scored before, or that the source had before scoring began.
WITH CLEAN AS (
    SELECT {{ columns|identifiers("S") }}
    FROM {{ table }} AS S
    JOIN (
        SELECT {{ key|identifiers }}, 1 AS SNOWLOOP_ORIGIN FROM {{ identifier(database, 'SERVING', 'SCORED') }}
        UNION ALL
        SELECT {{ key|identifiers }}, 2 FROM {{ identifier(database, 'SERVING', 'BASELINE') }}
    ) AS K ON {% for column in key %}K.{{ column|identifier }} = S.{{ column|identifier }}{{ " AND " if not loop.last }}{% endfor %}

    WHERE NOT {{ fails }}
    QUALIFY ROW_NUMBER() OVER (ORDER BY K.SNOWLOOP_ORIGIN, {{ columns|identifiers("S") }}) = {{ first_row|bind }}
),
FEATURE_ROWS AS (
{{ features_sql }}
)
SELECT COUNT({{ prediction.output() }}) AS N FROM FEATURE_ROWS AS F
