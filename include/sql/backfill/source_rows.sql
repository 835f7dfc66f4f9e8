{# Rows of the source, and quarantined ones that were mended and requeued. #}
(
    SELECT {{ columns|identifiers }}, 1 AS SNOWLOOP_ORIGIN FROM {{ table }}
    UNION ALL
    SELECT {{ columns|identifiers("Q") }}, 2 FROM {{ identifier(database, 'SERVING', 'QUARANTINE') }} AS Q
    JOIN (
        SELECT DISTINCT {{ key|identifiers }} FROM {{ identifier(database, 'SERVING', 'REQUEUED') }}
        {% if corrections %}
        INTERSECT
        SELECT {{ key|identifiers }} FROM {{ identifier(database, 'SERVING', 'LATEST_SCORES') }} -- of a row that is not gone
        {% endif %}
    ) AS M
        ON {% for column in key %}M.{{ column|identifier }} = Q.{{ column|identifier }}{{ " AND " if not loop.last }}{% endfor %}

)
