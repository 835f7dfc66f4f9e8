-- Of the keys that a run scored, the greatest number of scores of one.
SELECT COALESCE(MAX(N), 0) AS N
FROM (
    SELECT COUNT(*) AS N FROM {{ identifier(database, 'SERVING', 'SCORED') }}
    WHERE RUN_ID = {{ run_id|literal }}
    GROUP BY {{ key|identifiers }}
) AS K
