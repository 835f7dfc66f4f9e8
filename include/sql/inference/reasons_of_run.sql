-- Why a run would quarantine rows, the most frequent reasons first.
SELECT REASON, COUNT(*) AS N
FROM {{ identifier(database, 'SERVING', 'QUARANTINE') }}
WHERE RUN_ID = '<<run_id>>'
GROUP BY REASON
ORDER BY N DESC, REASON
LIMIT 3
