-- Runs of the contract's checks that asked more than whether there are rows.
SELECT
    COUNT(DISTINCT CHECK_RUN) AS RAN, 0 AS BY_HAND,
    COUNT(*) || ' checks of columns in ' || COUNT(DISTINCT CHECK_RUN) || ' runs of the data contract' AS FOUND
FROM {{ identifier(database, 'OPS', 'CONTRACT_CHECKS') }}
WHERE CHECK_NAME <> 'ROW_COUNT'
