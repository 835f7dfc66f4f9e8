-- The last run of the contract's checks: how many there were, and how many failed.
SELECT COUNT(*) AS CHECKS, COUNT_IF(NOT PASSED) AS FAILED
FROM {{ identifier(database, 'OPS', 'CONTRACT_CHECKS') }}
WHERE CHECKED_AT = (SELECT MAX(CHECKED_AT) FROM {{ identifier(database, 'OPS', 'CONTRACT_CHECKS') }})
