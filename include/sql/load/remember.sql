INSERT INTO {{ identifier(database, 'OPS', 'LOADS') }}
    (SOURCE, FILE, MD5, ROWS_READ, ROWS_LOADED, ROWS_REJECTED, QUERY_ID, LOADED_AT)
SELECT
    {{ table|literal }}, {{ file|literal }}, {{ md5|literal }}, {{ read }}, {{ loaded }}, {{ rejected }},
    {{ query_id|literal }}, SYSDATE()
