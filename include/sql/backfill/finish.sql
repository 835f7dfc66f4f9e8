UPDATE {{ identifier(database, 'OPS', 'BACKFILLS') }} SET FINISHED_AT = SYSDATE() WHERE RUN_ID = {{ run_id|literal }};
DELETE FROM {{ identifier(database, 'OPS', 'BACKFILL_KEYS') }} WHERE RUN_ID = {{ run_id|literal }};
