-- How an evaluation was made, and the points of its plots: recorded once, as the evaluation is.
INSERT INTO {{ identifier(database, 'OPS', 'EVALUATION_DETAILS') }} (
    EVALUATION_ID, MODEL_NAME, MODEL_VERSION, DETAILS, EVALUATED_AT
)
SELECT
    {{ evaluation_id|literal }}, {{ model|literal }}, {{ version|literal }}, PARSE_JSON({{ details|literal }}), SYSDATE()
WHERE NOT EXISTS (
    SELECT 1 FROM {{ identifier(database, 'OPS', 'EVALUATION_DETAILS') }} AS K
    WHERE K.EVALUATION_ID = {{ evaluation_id|literal }}
)
