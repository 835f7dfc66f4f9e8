-- Checks of what a feature must not be: known after the label, or the label itself.
SELECT
    COUNT(DISTINCT CHECK_ID) AS RAN, 0 AS BY_HAND,
    COUNT(*) || ' checks that a feature does not give the label away, ' || COUNT_IF(NOT PASSED) || ' failed' AS FOUND
FROM {{ identifier(database, 'OPS', 'LEAKAGE_CHECKS') }}
WHERE CHECK_NAME IN ('KNOWN_AFTER_LABEL', 'SINGLE_FEATURE')
