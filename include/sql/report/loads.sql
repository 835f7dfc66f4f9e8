-- What had been loaded of each source when a training set was built, and the last query that loaded it.
SELECT
    SOURCE, COUNT(*) AS FILES, SUM(ROWS_LOADED) AS ROWS_LOADED, SUM(ROWS_REJECTED) AS ROWS_REJECTED,
    MAX_BY(QUERY_ID, LOADED_AT) AS QUERY_ID
FROM {{ identifier(database, 'OPS', 'LOADS') }}
WHERE LOADED_AT <= {{ built_at|literal }}::TIMESTAMP_NTZ
GROUP BY SOURCE
ORDER BY SOURCE
