UPDATE {{ identifier(database, 'OPS', 'CHALLENGES') }}
SET ROWS_SCORED = <<challenged>>, ERROR = NULLIF('<<error>>', ''), NOTED_AT = SYSDATE()
WHERE RUN_ID = '<<run_id>>'
