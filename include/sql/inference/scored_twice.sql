-- More scores of a key than rows and corrections of it.
SELECT {{ key|identifiers }}, SUM(N) AS N
FROM (
    SELECT {{ key|identifiers }}, 1 AS N FROM ({% include "backfill/own_scores.sql" %}) AS O
    UNION ALL
    SELECT {{ key|identifiers }}, -REMOVED FROM {{ identifier(database, 'SERVING', 'CORRECTIONS') }}
) AS T
GROUP BY {{ key|identifiers }}
HAVING SUM(N) > 1
ORDER BY {{ key|identifiers }}
