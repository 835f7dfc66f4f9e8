-- Versions that scored new rows beside the champion, as shadow or canary, before they were promoted.
SELECT
    COUNT(DISTINCT L.TO_VERSION) AS RAN, 0 AS BY_HAND,
    COUNT(DISTINCT L.TO_VERSION) || ' versions scored beside the champion in ' || COUNT(DISTINCT C.RUN_ID)
        || ' runs before they were promoted' AS FOUND
FROM {{ identifier(database, 'OPS', 'CHALLENGES') }} AS C
JOIN {{ identifier(database, 'OPS', 'LEDGER') }} AS L
    ON L.ACTION = 'promote' AND L.TO_VERSION = C.CHALLENGER AND L.DONE_AT >= C.NOTED_AT
WHERE C.ROWS_SCORED > 0 AND C.ERROR IS NULL
