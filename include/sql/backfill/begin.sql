INSERT INTO {{ identifier(database, 'OPS', 'BACKFILLS') }} (
    RUN_ID, REQUEST, MODEL_VERSION, BATCHES, BATCHES_DONE, ROWS_TOTAL, ROWS_SCORED, STARTED_AT
)
SELECT {{ run_id|literal }}, {{ request|literal }}, {{ version|literal }}, COALESCE(MAX(BATCH), 0), 0, COUNT(*), 0, SYSDATE()
FROM {{ identifier(database, 'OPS', 'BACKFILL_KEYS') }}
WHERE RUN_ID = {{ run_id|literal }}
