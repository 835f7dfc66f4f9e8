SELECT COUNT(*) AS N FROM {{ identifier(database, 'OPS', 'BACKFILL_KEYS') }}
WHERE RUN_ID = {{ run_id|literal }} AND BATCH = {{ batch }}
