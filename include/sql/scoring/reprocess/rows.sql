-- The rows that backfill, requeue and recovery score, in place of those of the stream.

-- name: source_rows
{# Rows of the source, and quarantined rows that were repaired and requeued. #}
(
    SELECT {{ columns|identifiers }}, 1 AS SNOWLOOP_ORIGIN FROM {{ table }}
    UNION ALL
    SELECT {{ columns|identifiers("Q") }}, 2 FROM {{ identifier(database, 'SERVING', 'QUARANTINE') }} AS Q
    JOIN (
        SELECT DISTINCT {{ key|identifiers }} FROM {{ identifier(database, 'SERVING', 'REQUEUED') }}
        {% if corrections %}
        INTERSECT
        SELECT {{ key|identifiers }} FROM {{ identifier(database, 'SERVING', 'LATEST_SCORES') }} -- of a row that still exists
        {% endif %}
    ) AS M
        ON {% for column in key %}M.{{ column|identifier }} = Q.{{ column|identifier }}{{ " AND " if not loop.last }}{% endfor %}

)

-- name: backfill_batch
{# CTE of one batch of a backfill: of several valid rows with one key the first in the order of the columns, as in training; a row of
   the source comes before a repaired one. #}
CHECKED AS (
    SELECT {{ columns|identifiers("S") }}, NULL::VARCHAR AS SNOWLOOP_REASON
    FROM {% include "scoring/reprocess/rows.sql#source_rows" %} AS S
    JOIN {{ identifier(database, 'OPS', 'BACKFILL_KEYS') }} AS B
        ON {% for column in key %}B.{{ column|identifier }} = S.{{ column|identifier }}{{ " AND " if not loop.last }}{% endfor %}

    WHERE B.RUN_ID = {{ run_id|bind }} AND B.BATCH = {{ batch|bind }} AND NOT {{ fails }}
    QUALIFY ROW_NUMBER() OVER (PARTITION BY {{ key|identifiers("S") }} ORDER BY S.SNOWLOOP_ORIGIN, {{ columns|identifiers("S") }}) = 1
)

-- name: quarantined_rows
{# Quarantined rows of keys that the source has and that were not requeued yet; they are repaired in place. #}
(
    SELECT {{ columns|identifiers("Q") }}, ROW_NUMBER() OVER (ORDER BY Q.QUARANTINED_AT{{ " DESC" if corrections }}, {{ columns|identifiers("Q") }}) AS SNOWLOOP_NUMBER
    FROM {{ identifier(database, 'SERVING', 'QUARANTINE') }} AS Q
    JOIN (SELECT DISTINCT {{ key|identifiers }} FROM {{ table }}) AS T
        ON {% for column in key %}T.{{ column|identifier }} = Q.{{ column|identifier }}{{ " AND " if not loop.last }}{% endfor %}

)

-- name: missed_rows
{# Rows that a recovery found missing; they take the place of the stream. #}
(
    SELECT {{ columns|identifiers }}, SNOWLOOP_NUMBER FROM {{ identifier(database, 'OPS', 'RECOVERY_ROWS') }}
    WHERE RUN_ID = {{ run_id|bind }}
)
