-- Training sets on which several settings competed.
SELECT
    COUNT(*) AS RAN, 0 AS BY_HAND,
    'up to ' || MAX(VERSIONS) || ' settings competed on each of ' || COUNT(*) || ' training sets' AS FOUND
FROM (
    SELECT TRAINING_SET, COUNT(DISTINCT MODEL_VERSION) AS VERSIONS
    FROM {{ identifier(database, 'OPS', 'EVALUATIONS') }}
    GROUP BY TRAINING_SET
)
WHERE VERSIONS > 1
