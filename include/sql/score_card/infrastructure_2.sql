-- Tests of every candidate's specification.
SELECT
    COUNT(*) AS RAN, 0 AS BY_HAND,
    COUNT(*) || ' tests of what build_model gives, ' || COUNT_IF(NOT PASSED) || ' failed' AS FOUND
FROM {{ identifier(database, 'OPS', 'REHEARSALS') }}
WHERE NAME = 'SPECIFICATION_TESTED'
