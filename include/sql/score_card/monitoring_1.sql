-- Times that the declared packages were held against those of the version that serves; a change fails the run.
SELECT
    COUNT(*) AS RAN, 0 AS BY_HAND,
    'declared packages held ' || COUNT(*) || ' times against those of the champion, ' || COUNT_IF(NOT PASSED) || ' changes told' AS FOUND
FROM {{ identifier(database, 'OPS', 'MONITORING_CHECKS') }}
WHERE NAME = 'DEPENDENCIES'
