-- Verdicts that compared scores by SQL with scores by Python.
SELECT
    COUNT(DISTINCT VERDICT_ID) AS RAN, 0 AS BY_HAND,
    COUNT(DISTINCT VERDICT_ID) || ' verdicts compared the same rows by the serving path and by Python, greatest '
        || 'difference ' || MAX(VALUE) AS FOUND
FROM {{ identifier(database, 'OPS', 'VERDICTS') }}
WHERE CHECK_NAME = 'SKEW' AND VALUE IS NOT NULL
