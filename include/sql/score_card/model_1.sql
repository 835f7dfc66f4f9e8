-- Promotions of committed code that a person approved; automatic if there is no other promotion.
SELECT
    IFF(COUNT_IF(APPROVED_BY IS NULL OR GIT_COMMIT = 'unknown') = 0, COUNT(*), 0) AS RAN,
    COUNT_IF(APPROVED_BY IS NOT NULL AND GIT_COMMIT <> 'unknown') AS BY_HAND,
    COUNT_IF(APPROVED_BY IS NOT NULL) || ' of ' || COUNT(*) || ' promotions approved by a person, of committed code'
        AS FOUND
FROM {{ identifier(database, 'OPS', 'LEDGER') }}
WHERE ACTION = 'promote'
