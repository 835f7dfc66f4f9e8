-- Evaluations that shuffled every feature.
SELECT
    COUNT(DISTINCT EVALUATION_ID) AS RAN, 0 AS BY_HAND,
    'permutation importance of ' || COUNT(DISTINCT SLICE) || ' features in ' || COUNT(DISTINCT EVALUATION_ID)
        || ' evaluations' AS FOUND
FROM {{ identifier(database, 'OPS', 'EVALUATIONS') }}
WHERE NAME = 'importance'
