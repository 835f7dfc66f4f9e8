SELECT COALESCE(MAX(LOADED_AT), '1970-01-01'::TIMESTAMP_NTZ)::VARCHAR AS AT
FROM {{ identifier(database, 'OPS', 'LOADS') }}
WHERE SOURCE = {{ table|literal }}
