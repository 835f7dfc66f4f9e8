-- Verdicts that held a version against a dummy and a linear model.
SELECT
    COUNT(DISTINCT VERDICT_ID) AS RAN, 0 AS BY_HAND,
    COUNT(DISTINCT VERDICT_ID) || ' verdicts held the version against a linear model' AS FOUND
FROM {{ identifier(database, 'OPS', 'VERDICTS') }}
WHERE CHECK_NAME = 'BASELINE_BEATEN' AND BASELINE IS NOT NULL AND VALUE IS NOT NULL
