{# CTEs over the stream that end in CHECKED: each new row with SNOWLOOP_REASON, why it must not be scored, or NULL. #}
{% macro same_key(left, right) -%}
{% for column in key %}{{ left }}.{{ column|identifier }} = {{ right }}.{{ column|identifier }}{{ " AND " if not loop.last }}{% endfor %}
{%- endmacro %}
ARRIVED AS (
    SELECT
        {{ columns|identifiers("S") }},
        {{ row_id }} AS SNOWLOOP_ROW,
        {{ fails }} AS SNOWLOOP_BROKEN
    FROM {{ stream }} AS S
    {% if delta %}
    WHERE S.METADATA$ACTION = 'INSERT' -- the new version of a corrected row counts as a new row
    {% endif %}
),
-- Of several valid rows of a batch with one key, the first is scored.
REPEATED AS (
    SELECT {{ key|identifiers }}, MIN(SNOWLOOP_ROW) AS SNOWLOOP_FIRST
    FROM ARRIVED
    WHERE NOT SNOWLOOP_BROKEN
    GROUP BY {{ key|identifiers }}
    HAVING COUNT(*) > 1
),
{% if delta %}
-- Keys with a valid row that remains in the source: a row that arrives with its key does not correct it.
SEEN AS (
    SELECT {{ key|identifiers }}, 'duplicate key: the source has another row with it' AS SNOWLOOP_SEEN
    FROM {{ identifier(database, 'SERVING', 'CORRECTIONS') }}
    WHERE RUN_ID = {{ run_id|bind }} AND STAYING > 0
),
{% else %}
-- Keys of this batch that were scored or were in the source before; the batch is small, so it is the build side of the join.
SEEN AS (
    SELECT {{ key|identifiers("P") }}, MIN(P.SNOWLOOP_SEEN) AS SNOWLOOP_SEEN
    FROM (
        SELECT {{ key|identifiers }}, 'duplicate key: a row with it was scored before' AS SNOWLOOP_SEEN
        FROM {{ identifier(database, 'SERVING', 'LATEST_SCORES' if corrections else 'SCORED') }}
        UNION ALL
        SELECT {{ key|identifiers }}, 'duplicate key: the source had it before scoring began'
        FROM {% if corrections %}({% include "scoring/reconcile.sql#unchanged_baseline" %}) AS U{% else %}{{ identifier(database, 'SERVING', 'BASELINE') }}{% endif %}

    ) AS P
    JOIN (SELECT DISTINCT {{ key|identifiers }} FROM ARRIVED) AS A ON {{ same_key("A", "P") }}
    GROUP BY {{ key|identifiers("P") }}
),
{% endif %}
CHECKED AS (
    SELECT
        {{ columns|identifiers("S") }},
        CASE
            WHEN S.SNOWLOOP_BROKEN THEN {{ reason }}
            WHEN N.SNOWLOOP_SEEN IS NOT NULL THEN N.SNOWLOOP_SEEN
            WHEN S.SNOWLOOP_ROW <> R.SNOWLOOP_FIRST THEN 'duplicate key: another row of the same batch has it'
        END AS SNOWLOOP_REASON
    FROM ARRIVED AS S
    LEFT JOIN SEEN AS N ON {{ same_key("N", "S") }}
    LEFT JOIN REPEATED AS R ON {{ same_key("R", "S") }}
)
