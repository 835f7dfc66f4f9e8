-- Rows that the source has up to the stream's offset, beyond those that are known by key: missed while it was stale.
INSERT INTO {{ identifier(database, 'OPS', 'RECOVERY_ROWS') }} ({{ columns|identifiers }}, SNOWLOOP_NUMBER, RUN_ID)
SELECT {{ columns|identifiers }}, ROW_NUMBER() OVER (ORDER BY {{ columns|identifiers }}), {{ run_id|literal }}
FROM (
    SELECT
        {{ columns|identifiers("S") }},
        COALESCE(K.SNOWLOOP_N, 0) AS SNOWLOOP_KNOWN,
        -- What is known of a key: a good row if one was scored, else the bad ones.
        ROW_NUMBER() OVER (
            PARTITION BY {{ key|identifiers("S") }}
            ORDER BY CASE WHEN {{ fails }} = (COALESCE(K.SNOWLOOP_GOOD, 0) > 0) THEN 1 ELSE 0 END, {{ columns|identifiers("S") }}
        ) AS SNOWLOOP_PLACE
    FROM {{ table }} AT(STREAM => {{ stream|literal }}) AS S
    LEFT JOIN (
        SELECT {{ key|identifiers }}, SUM(N) AS SNOWLOOP_N, SUM(GOOD) AS SNOWLOOP_GOOD
        FROM (
            SELECT {{ key|identifiers }}, 1 AS N, {{ 0 if corrections else 1 }} AS GOOD FROM {{ identifier(database, 'SERVING', 'BASELINE') }}
            UNION ALL
            SELECT {{ key|identifiers }}, 1, {{ 0 if corrections else 1 }} FROM ({% include "backfill/own_scores.sql" %}) AS O
            UNION ALL
            SELECT {{ key|identifiers }}, 1, 0 FROM {{ identifier(database, 'SERVING', 'QUARANTINE') }}
            UNION ALL
            SELECT {{ key|identifiers }}, -1, 0 FROM {{ identifier(database, 'SERVING', 'REQUEUED') }}
            {% if corrections %}
            UNION ALL
            SELECT {{ key|identifiers }}, -REMOVED, 0 FROM {{ identifier(database, 'SERVING', 'CORRECTIONS') }}
            UNION ALL
            SELECT {{ key|identifiers }}, 0, 1 FROM {{ identifier(database, 'SERVING', 'LATEST_SCORES') }}
            UNION ALL
            SELECT {{ key|identifiers }}, 0, 1 FROM ({% include "inference/untouched_baseline.sql" %}) AS U
            {% endif %}
        ) AS E
        GROUP BY {{ key|identifiers }}
    ) AS K ON {% for column in key %}K.{{ column|identifier }} IS NOT DISTINCT FROM S.{{ column|identifier }}{{ " AND " if not loop.last }}{% endfor %}

) AS W
WHERE SNOWLOOP_PLACE > SNOWLOOP_KNOWN
