SELECT STATE, ROWS_READ, ROWS_SCORED, ROWS_QUARANTINED FROM {{ identifier(database, 'OPS', 'RUNS') }}
WHERE RUN_ID = {{ run_id|literal }}
