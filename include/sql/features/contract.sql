-- The last run of the contract's checks, if it was over the present rows: how many there were, and how many failed.
WITH CHECKED AS (
    SELECT SOURCE, CHECK_NAME, VALUE, PASSED, CHECKED_AT
    FROM {{ identifier(database, 'OPS', 'CONTRACT_CHECKS') }}
    WHERE CHECKED_AT = (SELECT MAX(CHECKED_AT) FROM {{ identifier(database, 'OPS', 'CONTRACT_CHECKS') }})
),
PRESENT AS (
    {% for source in sources %}
    SELECT {{ source|literal }} AS SOURCE, COUNT(*) AS N FROM {{ identifier(database, 'RAW', source|upper) }}
    {{ "UNION ALL" if not loop.last }}
    {% endfor %}
)
SELECT COUNT(*) AS CHECKS, COUNT_IF(NOT PASSED) AS FAILED
FROM CHECKED
WHERE CHECKED_AT >= (
    SELECT COALESCE(MAX(LOADED_AT), '1970-01-01'::TIMESTAMP_NTZ) FROM {{ identifier(database, 'OPS', 'LOADS') }}
)
AND NOT EXISTS ( -- rows may come by other ways than Snowloop's loads
    SELECT 1
    FROM PRESENT AS P
    LEFT JOIN CHECKED AS C ON C.SOURCE = P.SOURCE AND C.CHECK_NAME = 'ROW_COUNT'
    WHERE C.VALUE IS DISTINCT FROM P.N
)
