-- Seconds since the first load that no run of the loop has seen the end of; null if there is none.
SELECT TIMESTAMPDIFF('second', MIN(LOADED_AT), SYSDATE()) AS AGE
FROM {{ identifier(database, 'OPS', 'LOADS') }}
WHERE SOURCE = {{ table|literal }} AND ROWS_LOADED > 0 AND LOADED_AT >= (
    SELECT COALESCE(MAX(STARTED_AT), '1970-01-01'::TIMESTAMP_NTZ)
    FROM {{ identifier(database, 'OPS', 'RUNS') }} WHERE STATE = 'SUCCEEDED' AND KIND IS NULL
)
