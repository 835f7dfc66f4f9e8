-- name: copy_version
-- The very files of a version, within one account (docs: CREATE MODEL, ALTER MODEL … ADD VERSION).
{% if first %}
CREATE MODEL {{ model }} WITH VERSION {{ version|identifier }} FROM MODEL {{ source }} VERSION {{ version|identifier }}
{% else %}
ALTER MODEL {{ model }} ADD VERSION {{ version|identifier }} FROM MODEL {{ source }} VERSION {{ version|identifier }}
{% endif %}

-- name: import_version
-- A version of the files that were put on a stage.
{% if first %}
CREATE MODEL {{ model }} WITH VERSION {{ version|identifier }} FROM {{ folder }}
{% else %}
ALTER MODEL {{ model }} ADD VERSION {{ version|identifier }} FROM {{ folder }}
{% endif %}

-- name: describe_version
ALTER MODEL {{ model }} MODIFY VERSION {{ version|identifier }} SET {{ property }} = {{ value|literal }}

-- name: records
SELECT * FROM {{ identifier(database, 'OPS', table) }} WHERE {{ key|identifier }} = {{ value|bind }}

-- name: copy_records
-- All of them in one statement, unless some are there: then it was done before.
INSERT INTO {{ identifier(database, 'OPS', table) }} ({{ columns|identifiers }})
SELECT
    {% for kind in columns.values() %}
    {{ ("PARSE_JSON(COLUMN" ~ loop.index ~ ")") if kind == "VARIANT" else ("COLUMN" ~ loop.index ~ "::" ~ kind) }}{{ "," if not loop.last }}
    {% endfor %}
FROM VALUES
    {% for row in rows %}
    ({% for value in row %}{{ value|bind }}::VARCHAR{{ ", " if not loop.last }}{% endfor %}){{ "," if not loop.last }}
    {% endfor %}
WHERE NOT EXISTS (
    SELECT 1 FROM {{ identifier(database, 'OPS', table) }} AS K WHERE K.{{ key|identifier }} = {{ value|bind }}
)

-- name: verdict
SELECT CHECK_NAME, VALUE, BOUND, BASELINE, PASSED, REASON, TRAINING_SET, EVALUATION_ID, CHAMPION
FROM {{ identifier(database, 'OPS', 'VERDICTS') }}
WHERE VERDICT_ID = {{ verdict_id|bind }}
ORDER BY CHECK_NAME

-- name: sample
{# Some rows of the source by their key, the same ones each time, as a training set that holds them out. #}
(
    SELECT {{ key|identifiers }}, TRUE AS IS_HOLDOUT
    FROM {{ table }}
    QUALIFY ROW_NUMBER() OVER (ORDER BY {% include "evaluation/queries.sql#key_hash" %}, {{ key|identifiers }}) <= {{ most }}
)

-- name: one_row
{# CTE of one row that keeps the contract, whether it has been scored before or not. #}
CHECKED AS (
    SELECT {{ columns|identifiers("S") }}, NULL::VARCHAR AS SNOWLOOP_REASON
    FROM {{ table }} AS S
    WHERE NOT {{ fails }}
    ORDER BY {{ columns|identifiers("S") }}
    LIMIT 1
)

-- name: score_of_run
SELECT SCORE FROM {{ identifier(database, 'SERVING', 'SCORED') }} WHERE RUN_ID = {{ run_id|bind }}
