SELECT RUN_ID FROM {{ identifier(database, 'OPS', 'RUNS') }} WHERE KIND = 'recovery' AND STATE = 'RUNNING'
