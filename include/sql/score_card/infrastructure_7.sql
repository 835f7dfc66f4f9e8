-- Rehearsals of a rollback; one that a person did is in the ledger.
SELECT
    (SELECT COUNT(*) FROM {{ identifier(database, 'OPS', 'REHEARSALS') }} WHERE NAME = 'ROLLBACK_REHEARSED' AND PASSED) AS RAN,
    (SELECT COUNT(*) FROM {{ identifier(database, 'OPS', 'LEDGER') }} WHERE ACTION = 'rollback') AS BY_HAND,
    (SELECT COUNT(*) FROM {{ identifier(database, 'OPS', 'REHEARSALS') }} WHERE NAME = 'ROLLBACK_REHEARSED' AND PASSED)
        || ' rehearsals went well, ' || (SELECT COUNT(*) FROM {{ identifier(database, 'OPS', 'LEDGER') }} WHERE ACTION = 'rollback')
        || ' rollbacks in the ledger' AS FOUND
