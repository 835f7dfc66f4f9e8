-- Scoring runs that held each new row against the contract.
SELECT
    COUNT(*) AS RAN, 0 AS BY_HAND,
    COUNT(*) || ' scoring runs held ' || SUM(ROWS_READ)::NUMBER(38,0) || ' new rows against the contract, '
        || SUM(ROWS_QUARANTINED)::NUMBER(38,0) || ' were quarantined' AS FOUND
FROM {{ identifier(database, 'OPS', 'RUNS') }}
WHERE ROWS_READ > 0 AND ROWS_QUARANTINED IS NOT NULL AND ERROR IS NULL
