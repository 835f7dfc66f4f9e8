UPDATE {{ identifier(database, 'OPS', 'BACKFILLS') }}
SET ROWS_SCORED = ROWS_SCORED + {{ rows }}
WHERE RUN_ID = {{ run_id|literal }}
