-- Promotions within a day of the building of their features.
SELECT
    COUNT(*) AS RAN, 0 AS BY_HAND,
    'new features served ' || MIN(DATEDIFF('second', T.CREATED_AT, L.DONE_AT))
        || ' s after their training set was built, past contract, leakage checks and gate' AS FOUND
FROM {{ identifier(database, 'OPS', 'LEDGER') }} AS L
JOIN {{ identifier(database, 'OPS', 'TRAINING_SETS') }} AS T ON T.FINGERPRINT = L.TRAINING_SET
WHERE L.ACTION = 'promote' AND DATEDIFF('second', T.CREATED_AT, L.DONE_AT) BETWEEN 0 AND 86400
