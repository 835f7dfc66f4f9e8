-- Runs that scored new rows with a version that the gate had let pass: files to scores, end to end.
SELECT
    COUNT(DISTINCT R.RUN_ID) AS RAN, 0 AS BY_HAND,
    'files to scores end to end: ' || COUNT(DISTINCT R.RUN_ID) || ' runs of the native task scored with a version that '
        || 'was trained, judged and promoted here' AS FOUND
FROM {{ identifier(database, 'OPS', 'RUNS') }} AS R
JOIN {{ identifier(database, 'OPS', 'LEDGER') }} AS L ON L.TO_VERSION = R.MODEL_VERSION AND L.VERDICT_ID IS NOT NULL
WHERE R.ROWS_SCORED > 0 AND R.ERROR IS NULL
