-- Promotions of committed code that a person approved; automatic if there is no other promotion.
SELECT
    IFF(COUNT_IF(REVIEWED) = COUNT(*), COUNT(*), 0) AS RAN,
    COUNT_IF(REVIEWED) AS BY_HAND,
    COUNT_IF(REVIEWED) || ' of ' || COUNT(*) || ' promotions approved by a person, of committed code' AS FOUND
FROM (
    SELECT
        APPROVED_BY IS NOT NULL
            AND COALESCE(GIT_COMMIT, 'unknown') <> 'unknown' AND GIT_COMMIT NOT LIKE '%-dirty' AS REVIEWED
    FROM {{ identifier(database, 'OPS', 'LEDGER') }}
    WHERE ACTION = 'promote'
)
