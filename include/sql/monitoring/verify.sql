-- What `snowloop verify` compares: the records of loads, runs, verdicts and training sets with the rows that they are about.

-- name: loads
-- For each source: what its loads recorded, and the rows that are there.
SELECT
    L.SOURCE,
    L.READ,
    L.LOADED,
    L.REJECTED,
    L.ODD,
    L.TWICE,
    (SELECT COUNT(*) FROM {{ identifier(database, 'RAW', 'REJECTED_LINES') }} AS J WHERE J.SOURCE = L.SOURCE) AS REJECTED_LINES,
    CASE L.SOURCE
        {% for source in sources %}
        WHEN {{ source|bind }} THEN (SELECT COUNT(*) FROM {{ identifier(database, 'RAW', source) }})
        {% endfor %}
    END AS ROWS_THERE
FROM (
    SELECT
        SOURCE,
        SUM(ROWS_READ) AS READ,
        SUM(ROWS_LOADED) AS LOADED,
        SUM(ROWS_REJECTED) AS REJECTED,
        COUNT_IF(ROWS_READ <> ROWS_LOADED + ROWS_REJECTED) AS ODD,
        COUNT(*) - COUNT(DISTINCT FILE) AS TWICE
    FROM {{ identifier(database, 'OPS', 'LOADS') }}
    GROUP BY SOURCE
) AS L
ORDER BY L.SOURCE

-- name: runs
-- Finished runs whose counts are not those of the rows that they wrote. A backfill and a requeue quarantine nothing.
SELECT R.RUN_ID, R.ROWS_READ, R.ROWS_SCORED, COALESCE(S.N, 0) AS SCORED, R.ROWS_QUARANTINED, COALESCE(Q.N, 0) AS QUARANTINED
FROM {{ identifier(database, 'OPS', 'RUNS') }} AS R
LEFT JOIN (
    SELECT RUN_ID, COUNT(*) AS N FROM {{ identifier(database, 'SERVING', 'SCORED') }} GROUP BY RUN_ID
) AS S ON S.RUN_ID = R.RUN_ID
LEFT JOIN (
    SELECT RUN_ID, COUNT(*) AS N FROM {{ identifier(database, 'SERVING', 'QUARANTINE') }} GROUP BY RUN_ID
) AS Q ON Q.RUN_ID = R.RUN_ID
WHERE R.STATE = 'SUCCEEDED' AND (
    R.ROWS_SCORED <> COALESCE(S.N, 0)
    OR (R.KIND IS NULL OR R.KIND = 'recovery') AND R.ROWS_QUARANTINED <> COALESCE(Q.N, 0)
    OR R.KIND IS NULL AND R.ROWS_READ <> R.ROWS_SCORED + R.ROWS_QUARANTINED
)
ORDER BY R.RUN_ID

-- name: rows_without_run
-- Scores and quarantined rows of runs that OPS.RUNS does not know, or has recorded twice.
SELECT W.RUN_ID, W.N, COUNT(R.RUN_ID) AS RECORDS
FROM (
    SELECT RUN_ID, SUM(N) AS N
    FROM (
        SELECT RUN_ID, COUNT(*) AS N FROM {{ identifier(database, 'SERVING', 'SCORED') }} GROUP BY RUN_ID
        UNION ALL
        SELECT RUN_ID, COUNT(*) FROM {{ identifier(database, 'SERVING', 'QUARANTINE') }} GROUP BY RUN_ID
    ) AS E
    GROUP BY RUN_ID
) AS W
LEFT JOIN {{ identifier(database, 'OPS', 'RUNS') }} AS R
    ON R.RUN_ID = W.RUN_ID AND (R.STATE = 'SUCCEEDED' OR R.KIND = 'backfill' AND R.STATE = 'RUNNING')
GROUP BY W.RUN_ID, W.N
HAVING COUNT(R.RUN_ID) <> 1
ORDER BY W.RUN_ID

-- name: verdicts
-- Verdicts that the ledger names and OPS.VERDICTS does not have.
SELECT L.ENTRY, L.VERDICT_ID
FROM {{ identifier(database, 'OPS', 'LEDGER') }} AS L
WHERE L.VERDICT_ID IS NOT NULL AND NOT EXISTS (
    SELECT 1 FROM {{ identifier(database, 'OPS', 'VERDICTS') }} AS V
    WHERE V.VERDICT_ID = L.VERDICT_ID AND V.MODEL_VERSION = L.TO_VERSION
)
ORDER BY L.ENTRY

-- name: training_sets
-- What was recorded of some training sets.
SELECT FINGERPRINT, TABLE_NAME, ROWS_TOTAL
FROM {{ identifier(database, 'OPS', 'TRAINING_SETS') }}
WHERE FINGERPRINT IN ({% for fingerprint in fingerprints %}{{ fingerprint|bind }}{{ ", " if not loop.last }}{% endfor %})
ORDER BY FINGERPRINT

-- name: training_rows
SELECT COUNT(*) AS N FROM {{ identifier(database, 'FEATURES', table) }}
