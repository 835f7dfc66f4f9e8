-- Trainings that were done again and gave the same scores.
SELECT
    COUNT_IF(PASSED) AS RAN, 0 AS BY_HAND,
    COUNT_IF(PASSED) || ' of ' || COUNT(*) || ' repeated trainings gave the same model, last: ' || MAX_BY(REASON, DONE_AT) AS FOUND
FROM {{ identifier(database, 'OPS', 'REHEARSALS') }}
WHERE NAME = 'TRAINING_REPRODUCED'
