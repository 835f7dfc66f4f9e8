-- Rows that the loop has scored, or that were there before it; rows still in the stream are left to the loop.
INSERT INTO {{ identifier(database, 'OPS', 'BACKFILL_KEYS') }} (RUN_ID, BATCH, {{ key|identifiers }})
SELECT
    {{ run_id|bind }}, FLOOR((ROW_NUMBER() OVER (ORDER BY {{ key|identifiers("W") }}) - 1) / {{ batch_size }}) + 1,
    {{ key|identifiers("W") }}
FROM (
    SELECT DISTINCT {{ key|identifiers("S") }}
    FROM {% include "scoring/reprocess/rows.sql#source_rows" %} AS S
    JOIN (
        SELECT {{ key|identifiers }}, SCORED_AT AS SNOWLOOP_TIME FROM {{ identifier(database, 'SERVING', 'SCORED') }}
        UNION ALL
        SELECT {{ key|identifiers }}, NULL FROM {{ identifier(database, 'SERVING', 'BASELINE') }}
    ) AS K ON {% for column in key %}K.{{ column|identifier }} = S.{{ column|identifier }}{{ " AND " if not loop.last }}{% endfor %}

    WHERE NOT {{ fails }}
    {% set moment = "S." ~ (event_time|identifier) if event_time else "K.SNOWLOOP_TIME" %}
    {% if start %}
        AND {{ moment }} >= {{ start|bind }}::TIMESTAMP_NTZ
    {% endif %}
    {% if end %}
        AND {{ moment }} < {{ end|bind }}::TIMESTAMP_NTZ
    {% endif %}
    {% if first_key is not none %}
        AND S.{{ key[0]|identifier }} >= {{ first_key|bind }}
    {% endif %}
    {% if last_key is not none %}
        AND S.{{ key[0]|identifier }} <= {{ last_key|bind }}
    {% endif %}
) AS W
