-- Rows that both versions scored in the same run, each key once, with the label where it is known; at most so many, by
-- hash of the key.
{% import "champion/latest_scores.sql" as scores with context %}
SELECT
{{ scores.by_version("S", "CHAMPION", champion) }}
{{ scores.by_version("H", "CHALLENGER", challenger) }}
    {{ scores.alike() }}
    L.{{ label_column|identifier }} AS LABEL
FROM {{ identifier(database, 'SERVING', 'SHADOW') }} AS H
JOIN {{ identifier(database, 'SERVING', 'SCORED') }} AS S
    ON S.RUN_ID = H.RUN_ID
    {% for column in key %}
    AND S.{{ column|identifier }} = H.{{ column|identifier }}
    {% endfor %}
LEFT JOIN (
{{ label }}
) AS L ON {% for column in key %}L.{{ column|identifier }} = H.{{ column|identifier }}{{ " AND " if not loop.last }}{% endfor %}

{{ scores.groups() }}
{{ scores.gone() }}
WHERE H.MODEL_VERSION = {{ challenger|literal }} AND S.MODEL_VERSION = {{ champion|literal }}
{{- scores.newest() }}
ORDER BY MD5({% for column in key %}H.{{ column|identifier }}::VARCHAR{{ " || '|' || " if not loop.last }}{% endfor %}), {{ key|identifiers("H") }}
LIMIT {{ most }}
