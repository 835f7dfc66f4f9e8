-- The loop's own runs that began since a moment, and how many rows of which version each has scored.
SELECT R.RUN_ID, R.STATE, R.ERROR, S.MODEL_VERSION, COUNT(S.MODEL_VERSION) AS N
FROM {{ identifier(database, 'OPS', 'RUNS') }} AS R
LEFT JOIN {{ identifier(database, 'SERVING', 'SCORED') }} AS S ON S.RUN_ID = R.RUN_ID
WHERE R.KIND IS NULL AND R.STARTED_AT >= {{ since|literal }}::TIMESTAMP_NTZ
GROUP BY R.RUN_ID, R.STATE, R.ERROR, R.FINISHED_AT, S.MODEL_VERSION
ORDER BY R.FINISHED_AT
