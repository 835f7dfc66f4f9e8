-- Of a key with fewer rows in the source than are known, some were deleted while no stream told of it. The source is read at
-- the stream's offset, and not the stream itself: that would consume what waits in it.
INSERT INTO {{ identifier(database, 'SERVING', 'CORRECTIONS') }}
    ({{ key|identifiers }}, REMOVED, STAYING, GONE, RUN_ID, CORRECTED_AT)
SELECT
    {{ key|identifiers("U") }}, -U.N, 0, G.SNOWLOOP_GOOD IS NULL, {{ run_id|literal }}, SYSDATE()
FROM (
{% include "inference/unreconciled.sql" %}

) AS U
LEFT JOIN (
    SELECT {{ key|identifiers("S") }}, COUNT(*) AS SNOWLOOP_GOOD FROM {{ table }} AT(STREAM => {{ stream|literal }}) AS S
    WHERE NOT {{ fails }}
    GROUP BY {{ key|identifiers("S") }}
) AS G ON {% for column in key %}G.{{ column|identifier }} = U.{{ column|identifier }}{{ " AND " if not loop.last }}{% endfor %}

WHERE U.N < 0
