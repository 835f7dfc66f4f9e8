INSERT INTO {{ identifier(database, 'OPS', 'RUNS') }} (
    RUN_ID, PROCEDURE_NAME, MODEL_NAME, MODEL_VERSION, STATE, ROWS_READ, ROWS_SCORED, ROWS_QUARANTINED,
    STARTED_AT, FINISHED_AT, KIND
)
SELECT
    {{ run_id|literal }}, {{ kind|upper|literal }}, {{ model_name|literal }}, {{ version|literal }}, {{ state|literal }},
    {{ read }}, {{ scored }}, {{ quarantined }}, SYSDATE(), SYSDATE(), {{ kind|literal }}
