-- Each key's rows in the source against where they went; what does not come to 0 is lost (above 0) or too often (below).
SELECT {{ key|identifiers }}, SUM(N) AS N
FROM (
    SELECT {{ key|identifiers }}, 1 AS N FROM {{ table }}{{ " AT(STREAM => " ~ (stream|literal) ~ ")" if at_offset }}
    UNION ALL
    SELECT {{ key|identifiers }}, -1 FROM {{ identifier(database, 'SERVING', 'BASELINE') }}
    UNION ALL
    SELECT {{ key|identifiers }}, -1 FROM ({% include "backfill/own_scores.sql" %}) AS O
    UNION ALL
    SELECT {{ key|identifiers }}, -1 FROM {{ identifier(database, 'SERVING', 'QUARANTINE') }}
    UNION ALL
    SELECT {{ key|identifiers }}, 1 FROM {{ identifier(database, 'SERVING', 'REQUEUED') }}
    UNION ALL
    SELECT {{ key|identifiers }}, REMOVED FROM {{ identifier(database, 'SERVING', 'CORRECTIONS') }}
    {% if not at_offset %}
    UNION ALL
    SELECT {{ key|identifiers }}, CASE METADATA$ACTION WHEN 'INSERT' THEN -1 ELSE 1 END FROM {{ stream }}
    {% endif %}
) AS T
GROUP BY {{ key|identifiers }}
HAVING SUM(N) <> 0
ORDER BY {{ key|identifiers }}
