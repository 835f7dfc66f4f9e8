-- Times that the age of the version that serves was held against its bound.
SELECT
    COUNT(*) AS RAN, 0 AS BY_HAND,
    'age of the champion held ' || COUNT(*) || ' times against its bound, ' || COUNT_IF(NOT PASSED) || ' times it was too old; last: '
        || MAX_BY(REASON, CHECKED_AT) AS FOUND
FROM {{ identifier(database, 'OPS', 'MONITORING_CHECKS') }}
WHERE NAME = 'CHAMPION_AGE'
