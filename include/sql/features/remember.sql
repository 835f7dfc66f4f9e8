INSERT INTO {{ identifier(database, 'OPS', 'TRAINING_SETS') }}
    (FINGERPRINT, TABLE_NAME, ROWS_TOTAL, ROWS_HELD_OUT, ROWS_SET_ASIDE, GIT_COMMIT, CREATED_AT)
SELECT
    {{ fingerprint|literal }}, {{ name|literal }}, {{ rows }}, {{ holdout_rows }}, COUNT(*), {{ git_commit|literal }},
    SYSDATE()
FROM {{ identifier(database, 'FEATURES', 'SET_ASIDE') }}
WHERE TRAINING_SET = {{ fingerprint|literal }}
