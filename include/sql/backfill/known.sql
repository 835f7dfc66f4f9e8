-- Backfills that were begun, the newest first: that of a run, or those that may be of an equal request.
SELECT
    RUN_ID, REQUEST, MODEL_VERSION, BATCHES, BATCHES_DONE, ROWS_TOTAL, ROWS_SCORED, FINISHED_AT,
    TIMESTAMPDIFF('second', STARTED_AT, SYSDATE()) AS AGE
FROM {{ identifier(database, 'OPS', 'BACKFILLS') }}
{% if run_id %}
WHERE RUN_ID = {{ run_id|literal }}
{% endif %}
ORDER BY STARTED_AT DESC
