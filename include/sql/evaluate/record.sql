-- The same evaluation is recorded once.
INSERT INTO {{ identifier(database, 'OPS', 'EVALUATIONS') }} (
    EVALUATION_ID, MODEL_NAME, MODEL_VERSION, TRAINING_SET, NAME, SLICE, VALUE, LOW, HIGH, ROWS_MEASURED, EVALUATED_AT
)
SELECT
    {{ evaluation_id|literal }}, {{ model|literal }}, {{ version|literal }}, {{ training_set|literal }},
    COLUMN1, COLUMN2, COLUMN3, COLUMN4, COLUMN5, COLUMN6, SYSDATE()
FROM VALUES
    {% for row in rows %}
    ({{ row.name|literal }}, {{ row.slice|literal }}, {{ row.value|literal }}::FLOAT, {{ row.low|literal }}::FLOAT,
     {{ row.high|literal }}::FLOAT, {{ row.rows|literal }}::NUMBER(38,0)){{ "," if not loop.last }}
    {% endfor %}
WHERE NOT EXISTS (
    SELECT 1 FROM {{ identifier(database, 'OPS', 'EVALUATIONS') }} AS K
    WHERE K.EVALUATION_ID = {{ evaluation_id|literal }}
)
