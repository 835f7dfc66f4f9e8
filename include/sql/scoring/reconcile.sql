-- Where the rows of the source are: scored once, quarantined once, or still in the stream.

-- name: unreconciled
-- Each key's rows in the source minus the rows that went somewhere: above 0 rows are lost, below 0 a row has several results.
SELECT {{ key|identifiers }}, SUM(N) AS N
FROM (
    SELECT {{ key|identifiers }}, 1 AS N FROM {{ at_offset if up_to_offset else table }}
    UNION ALL
    SELECT {{ key|identifiers }}, -1 FROM {{ identifier(database, 'SERVING', 'BASELINE') }}
    UNION ALL
    SELECT {{ key|identifiers }}, -1 FROM ({% include "scoring/reconcile.sql#scores_without_backfills" %}) AS O
    UNION ALL
    SELECT {{ key|identifiers }}, -1 FROM {{ identifier(database, 'SERVING', 'QUARANTINE') }}
    UNION ALL
    SELECT {{ key|identifiers }}, 1 FROM {{ identifier(database, 'SERVING', 'REQUEUED') }}
    UNION ALL
    SELECT {{ key|identifiers }}, REMOVED FROM {{ identifier(database, 'SERVING', 'CORRECTIONS') }}
    {% if not up_to_offset %}
    UNION ALL
    SELECT {{ key|identifiers }}, CASE METADATA$ACTION WHEN 'INSERT' THEN -1 ELSE 1 END FROM {{ stream }}
    {% endif %}
) AS T
GROUP BY {{ key|identifiers }}
HAVING SUM(N) <> 0
ORDER BY {{ key|identifiers }}

-- name: scored_twice
-- Keys with more scores than rows and corrections.
SELECT {{ key|identifiers }}, SUM(N) AS N
FROM (
    SELECT {{ key|identifiers }}, 1 AS N FROM ({% include "scoring/reconcile.sql#scores_without_backfills" %}) AS O
    UNION ALL
    SELECT {{ key|identifiers }}, -REMOVED FROM {{ identifier(database, 'SERVING', 'CORRECTIONS') }}
) AS T
GROUP BY {{ key|identifiers }}
HAVING SUM(N) > 1
ORDER BY {{ key|identifiers }}

-- name: counts
SELECT
    (SELECT COUNT(*) FROM {{ table }}) AS SOURCE_ROWS,
    (SELECT COUNT(*) FROM {{ identifier(database, 'SERVING', 'BASELINE') }}) AS BASELINE_ROWS,
    (SELECT COUNT(*) FROM ({% include "scoring/reconcile.sql#scores_without_backfills" %}) AS O) AS SCORED_ROWS,
    (SELECT COUNT(*) FROM {{ identifier(database, 'SERVING', 'QUARANTINE') }})
        - (SELECT COUNT(*) FROM {{ identifier(database, 'SERVING', 'REQUEUED') }}) AS QUARANTINED_ROWS,
    (SELECT COUNT(*) FROM {{ stream }} WHERE METADATA$ACTION = 'INSERT') AS PENDING_ROWS,
    (SELECT COALESCE(SUM(REMOVED), 0) FROM {{ identifier(database, 'SERVING', 'CORRECTIONS') }})
        + (SELECT COUNT(*) FROM {{ stream }} WHERE METADATA$ACTION = 'DELETE') AS REMOVED_ROWS

-- name: scores_without_backfills
{# Scores of all runs but backfills, which score rows again. #}
SELECT {{ key|identifiers }} FROM {{ identifier(database, 'SERVING', 'SCORED') }}
WHERE RUN_ID NOT IN (SELECT RUN_ID FROM {{ identifier(database, 'OPS', 'RUNS') }} WHERE KIND = 'backfill')

-- name: unchanged_baseline
{# Keys from before the stream that were not deleted since; those that were corrected have a score. #}
SELECT {{ key|identifiers }} FROM {{ identifier(database, 'SERVING', 'BASELINE') }} AS B
WHERE NOT EXISTS (
    SELECT 1 FROM {{ identifier(database, 'SERVING', 'CORRECTIONS') }} AS G
    WHERE G.GONE AND {% for column in key %}G.{{ column|identifier }} = B.{{ column|identifier }}{{ " AND " if not loop.last }}{% endfor %}

)
