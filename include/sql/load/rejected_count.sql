SELECT COUNT(*) AS N
FROM {{ identifier(database, 'RAW', 'REJECTED_LINES') }}
WHERE SOURCE = {{ table|literal }} AND FILE = {{ file|literal }}
