{# Quarantined rows of keys that the source has and that were not requeued yet; they are mended in place. #}
(
    SELECT {{ columns|identifiers("Q") }}, ROW_NUMBER() OVER (ORDER BY Q.QUARANTINED_AT{{ " DESC" if corrections }}, {{ columns|identifiers("Q") }}) AS SNOWLOOP_NUMBER
    FROM {{ identifier(database, 'SERVING', 'QUARANTINE') }} AS Q
    JOIN (SELECT DISTINCT {{ key|identifiers }} FROM {{ table }}) AS T
        ON {% for column in key %}T.{{ column|identifier }} = Q.{{ column|identifier }}{{ " AND " if not loop.last }}{% endfor %}

)
