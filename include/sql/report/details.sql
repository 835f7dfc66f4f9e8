SELECT DETAILS::VARCHAR AS DETAILS
FROM {{ identifier(database, 'OPS', 'EVALUATION_DETAILS') }}
WHERE EVALUATION_ID = {{ evaluation_id|literal }}
