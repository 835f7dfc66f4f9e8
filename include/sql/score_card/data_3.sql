-- Training sets for which the time of each feature was measured.
SELECT
    COUNT(DISTINCT TRAINING_SET) AS RAN, 0 AS BY_HAND,
    'time to compute each of ' || COUNT(DISTINCT FEATURE) || ' features, the dearest '
        || ROUND(MAX(VALUE), 1) || ' ms' AS FOUND
FROM {{ identifier(database, 'OPS', 'FEATURE_CHECKS') }}
WHERE CHECK_NAME = 'MILLISECONDS'
