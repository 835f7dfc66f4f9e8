-- A run that failed, and can say so, was not held up by its challenger.
DELETE FROM {{ identifier(database, 'OPS', 'CHALLENGES') }} WHERE RUN_ID = '<<run_id>>' AND ROWS_SCORED IS NULL
