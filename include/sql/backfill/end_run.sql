UPDATE {{ identifier(database, 'OPS', 'RUNS') }}
SET STATE = 'SUCCEEDED', MODEL_VERSION = {{ version|literal }}, FINISHED_AT = SYSDATE(),
    ROWS_READ = {{ read }}, ROWS_SCORED = {{ scored }}, ROWS_QUARANTINED = {{ quarantined }}
WHERE RUN_ID = {{ run_id|literal }}
