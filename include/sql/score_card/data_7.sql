-- Training sets whose feature code was run twice and compared.
SELECT
    COUNT(DISTINCT TRAINING_SET) AS RAN, 0 AS BY_HAND,
    'features.sql run twice over the same rows and ' || COUNT(DISTINCT FEATURE) || ' features compared, '
        || COUNT_IF(NOT PASSED) || ' differed' AS FOUND
FROM {{ identifier(database, 'OPS', 'FEATURE_CHECKS') }}
WHERE CHECK_NAME = 'REPEATABLE'
