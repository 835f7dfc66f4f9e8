SELECT RUN_ID, REQUEST, MODEL_VERSION, BATCHES, BATCHES_DONE, ROWS_TOTAL, ROWS_SCORED, FINISHED_AT
FROM {{ identifier(database, 'OPS', 'BACKFILLS') }}
WHERE {% if run_id %}RUN_ID = {{ run_id|literal }}{% else %}REQUEST = {{ request|literal }} AND FINISHED_AT IS NULL{% endif %}

ORDER BY STARTED_AT DESC
