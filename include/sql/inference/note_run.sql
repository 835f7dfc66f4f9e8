INSERT INTO {{ identifier(database, 'OPS', 'RUNS') }} (
    RUN_ID, PROCEDURE_NAME, MODEL_NAME, MODEL_VERSION, STATE, ROWS_READ, ROWS_SCORED, ROWS_QUARANTINED, ERROR,
    STARTED_AT, FINISHED_AT
)
SELECT
    '<<run_id>>', {{ procedure|literal }}, {{ model_name|literal }}, NULLIF('<<version>>', ''),
    {% if failed %}
    'FAILED', NULL, 0, 0, '<<error>>',
    {% else %}
    'SUCCEEDED', <<read>>, <<scored>>, <<quarantined>>, NULL,
    {% endif %}
    '<<started>>'::TIMESTAMP_NTZ, SYSDATE()
