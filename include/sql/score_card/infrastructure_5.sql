-- Scores that are kept with all that is needed to follow one row by itself.
SELECT
    COUNT(DISTINCT RUN_ID) AS RAN, 0 AS BY_HAND,
    COUNT(*) || ' scores kept with version, run and features, so that each can be computed again by itself' AS FOUND
FROM {{ identifier(database, 'SERVING', 'SCORED') }}
WHERE FEATURES IS NOT NULL AND MODEL_VERSION IS NOT NULL AND RUN_ID IS NOT NULL
