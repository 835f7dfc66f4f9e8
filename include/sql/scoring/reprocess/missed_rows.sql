-- What a recovery finds missing.

-- name: record_deletions
-- Of a key with fewer rows in the source than are accounted for, some were deleted while no stream recorded it. The source is
-- read at the stream's offset, and not the stream itself: that would consume its rows.
INSERT INTO {{ identifier(database, 'SERVING', 'CORRECTIONS') }}
    ({{ key|identifiers }}, REMOVED, STAYING, GONE, RUN_ID, CORRECTED_AT)
SELECT
    {{ key|identifiers("U") }}, -U.N, 0, G.SNOWLOOP_GOOD IS NULL, {{ run_id|bind }}, SYSDATE()
FROM (
{% include "scoring/reconcile.sql#unreconciled" %}

) AS U
LEFT JOIN (
    SELECT {{ key|identifiers("S") }}, COUNT(*) AS SNOWLOOP_GOOD FROM {{ at_offset }} AS S
    WHERE NOT {{ fails }}
    GROUP BY {{ key|identifiers("S") }}
) AS G ON {% for column in key %}G.{{ column|identifier }} = U.{{ column|identifier }}{{ " AND " if not loop.last }}{% endfor %}

WHERE U.N < 0

-- name: list_rows
-- Rows of the source up to the stream's offset, beyond those that are accounted for by key: missed while the stream was stale.
INSERT INTO {{ identifier(database, 'OPS', 'RECOVERY_ROWS') }} ({{ columns|identifiers }}, SNOWLOOP_NUMBER, RUN_ID)
SELECT {{ columns|identifiers }}, ROW_NUMBER() OVER (ORDER BY {{ columns|identifiers }}), {{ run_id|bind }}
FROM (
    SELECT
        {{ columns|identifiers("S") }},
        COALESCE(K.SNOWLOOP_N, 0) AS SNOWLOOP_KNOWN,
        -- Which rows of a key are accounted for: a valid one if one was scored, otherwise those that break the contract.
        ROW_NUMBER() OVER (
            PARTITION BY {{ key|identifiers("S") }}
            ORDER BY CASE WHEN {{ fails }} = (COALESCE(K.SNOWLOOP_GOOD, 0) > 0) THEN 1 ELSE 0 END, {{ columns|identifiers("S") }}
        ) AS SNOWLOOP_PLACE
    FROM {{ at_offset }} AS S
    LEFT JOIN (
        SELECT {{ key|identifiers }}, SUM(N) AS SNOWLOOP_N, SUM(GOOD) AS SNOWLOOP_GOOD
        FROM (
            SELECT {{ key|identifiers }}, 1 AS N, {{ 0 if corrections else 1 }} AS GOOD FROM {{ identifier(database, 'SERVING', 'BASELINE') }}
            UNION ALL
            SELECT {{ key|identifiers }}, 1, {{ 0 if corrections else 1 }} FROM ({% include "scoring/reconcile.sql#scores_without_backfills" %}) AS O
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
            SELECT {{ key|identifiers }}, 0, 1 FROM ({% include "scoring/reconcile.sql#unchanged_baseline" %}) AS U
            {% endif %}
        ) AS E
        GROUP BY {{ key|identifiers }}
    ) AS K ON {% for column in key %}K.{{ column|identifier }} IS NOT DISTINCT FROM S.{{ column|identifier }}{{ " AND " if not loop.last }}{% endfor %}

) AS W
WHERE SNOWLOOP_PLACE > SNOWLOOP_KNOWN
