-- Promotions after a verdict; a single one without any takes the point away.
SELECT
    IFF(COUNT_IF(V.VERDICT_ID IS NULL) = 0, COUNT(*), 0) AS RAN, 0 AS BY_HAND,
    COUNT_IF(V.VERDICT_ID IS NOT NULL) || ' of ' || COUNT(*) || ' promotions after a verdict of the gate' AS FOUND
FROM {{ identifier(database, 'OPS', 'LEDGER') }} AS L
LEFT JOIN (SELECT VERDICT_ID, MIN(DECIDED_AT) AS DECIDED_AT FROM {{ identifier(database, 'OPS', 'VERDICTS') }} GROUP BY VERDICT_ID) AS V
    ON V.VERDICT_ID = L.VERDICT_ID AND V.DECIDED_AT <= L.DONE_AT
WHERE L.ACTION = 'promote'
