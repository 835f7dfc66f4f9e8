SELECT FILE, ROWS_READ, ROWS_LOADED, ROWS_REJECTED, QUERY_ID
FROM {{ identifier(database, 'OPS', 'LOADS') }}
WHERE SOURCE = {{ table|literal }}
