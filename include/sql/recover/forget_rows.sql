DELETE FROM {{ identifier(database, 'OPS', 'RECOVERY_ROWS') }} WHERE RUN_ID = {{ run_id|literal }}
