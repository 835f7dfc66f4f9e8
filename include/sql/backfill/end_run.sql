UPDATE {{ identifier(database, 'OPS', 'RUNS') }}
SET STATE = 'SUCCEEDED', ROWS_READ = {{ read }}, ROWS_SCORED = {{ scored }}, ROWS_QUARANTINED = {{ quarantined }},
    FINISHED_AT = SYSDATE()
WHERE RUN_ID = {{ run_id|literal }}
