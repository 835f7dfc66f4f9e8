{# Keys from before the stream that were not deleted since; of those that were corrected there is a score. #}
SELECT {{ key|identifiers }} FROM {{ identifier(database, 'SERVING', 'BASELINE') }} AS B
WHERE NOT EXISTS (
    SELECT 1 FROM {{ identifier(database, 'SERVING', 'CORRECTIONS') }} AS G
    WHERE G.GONE AND {% for column in key %}G.{{ column|identifier }} = B.{{ column|identifier }}{{ " AND " if not loop.last }}{% endfor %}

)
