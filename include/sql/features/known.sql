SELECT ROWS_TOTAL, ROWS_HELD_OUT, ROWS_SET_ASIDE
FROM {{ identifier(database, 'OPS', 'TRAINING_SETS') }}
WHERE FINGERPRINT = {{ fingerprint|literal }}
