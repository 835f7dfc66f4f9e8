-- name: key_hash
{# Salted: the split hashes the key as it is, and of rows in that order the first are all held out. #}
MD5({{ (salt|default("sample") ~ "|")|literal }} || {% for column in key %}{{ column|identifier }}::VARCHAR{{ " || '|' || " if not loop.last }}{% endfor %})

-- name: rows_without
{# The rows of a training set but for those that a version was fitted on when it was trained on another one. #}
(
    SELECT A.*
    FROM {{ table }} AS A
    LEFT JOIN {{ trained_on }} AS K ON NOT K.IS_HOLDOUT
    {% for column in key %}
        AND K.{{ column|identifier }} = A.{{ column|identifier }}
    {% endfor %}
    WHERE K.IS_HOLDOUT IS NULL
)

-- name: newer_rows
{# The rows of a training set that are in none of a version's own, held out or not: all of them are held out for it. #}
(
    SELECT A.* EXCLUDE (IS_HOLDOUT), TRUE AS IS_HOLDOUT
    FROM {{ table }} AS A
    LEFT JOIN {{ seen }} AS K ON K.{{ key[0]|identifier }} = A.{{ key[0]|identifier }}
    {% for column in key[1:] %}
        AND K.{{ column|identifier }} = A.{{ column|identifier }}
    {% endfor %}
    WHERE K.IS_HOLDOUT IS NULL
)

-- name: record
-- The same evaluation is recorded once.
INSERT INTO {{ identifier(database, 'OPS', 'EVALUATIONS') }} (
    EVALUATION_ID, MODEL_NAME, MODEL_VERSION, TRAINING_SET, NAME, SLICE, VALUE, LOW, HIGH, ROWS_MEASURED, EVALUATED_AT
)
SELECT
    {{ evaluation_id|bind }}, {{ model|bind }}, {{ version|bind }}, {{ training_set|bind }},
    COLUMN1, COLUMN2, COLUMN3, COLUMN4, COLUMN5, COLUMN6, SYSDATE()
FROM VALUES
    {% for row in rows %}
    ({{ row.name|bind }}, {{ row.slice|bind }}::VARCHAR, {{ row.value|bind }}::FLOAT, {{ row.low|bind }}::FLOAT,
     {{ row.high|bind }}::FLOAT, {{ row.rows|bind }}::NUMBER(38,0)){{ "," if not loop.last }}
    {% endfor %}
WHERE NOT EXISTS (
    SELECT 1 FROM {{ identifier(database, 'OPS', 'EVALUATIONS') }} AS K
    WHERE K.EVALUATION_ID = {{ evaluation_id|bind }}
)

-- name: record_details
-- How an evaluation was made, and the points of its plots: recorded once, as the evaluation is.
INSERT INTO {{ identifier(database, 'OPS', 'EVALUATION_DETAILS') }} (
    EVALUATION_ID, MODEL_NAME, MODEL_VERSION, DETAILS, EVALUATED_AT
)
SELECT
    {{ evaluation_id|bind }}, {{ model|bind }}, {{ version|bind }}, PARSE_JSON({{ details|bind }}), SYSDATE()
WHERE NOT EXISTS (
    SELECT 1 FROM {{ identifier(database, 'OPS', 'EVALUATION_DETAILS') }} AS K
    WHERE K.EVALUATION_ID = {{ evaluation_id|bind }}
)
