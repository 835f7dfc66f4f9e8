-- Times that the served quality was found no worse than promised.
SELECT
    COUNT(*) AS RAN, 0 AS BY_HAND,
    'served scores were held against the bound: ' || COUNT_IF(PASSED) || ' of ' || COUNT(*) || ' times they kept it' AS FOUND
FROM {{ identifier(database, 'OPS', 'REHEARSALS') }}
WHERE NAME = 'SERVED_SCORES_MEASURED' AND BOUND IS NOT NULL AND VALUE IS NOT NULL
