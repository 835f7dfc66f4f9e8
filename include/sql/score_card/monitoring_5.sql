-- Times that served scores were looked through for what is no number; where least and greatest are kept, a person can.
SELECT
    (SELECT COUNT(*) FROM {{ identifier(database, 'OPS', 'MONITORING_CHECKS') }} WHERE NAME = 'SCORES_FINITE') AS RAN,
    COUNT(*) AS BY_HAND,
    'least, mean and greatest score of ' || COUNT(*) || ' runs kept' || COALESCE('; last check: ' || (
        SELECT MAX_BY(REASON, CHECKED_AT) FROM {{ identifier(database, 'OPS', 'MONITORING_CHECKS') }} WHERE NAME = 'SCORES_FINITE'
    ), '') AS FOUND
FROM {{ identifier(database, 'OPS', 'METRICS') }}
WHERE MIN_SCORE IS NOT NULL AND MAX_SCORE IS NOT NULL
