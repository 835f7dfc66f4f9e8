-- Keys of the runs in which both versions served, each once, by who served it last, with the label where it is known.
{% import "champion/latest_scores.sql" as scores with context %}
SELECT
{{ scores.by_version("S", "CHAMPION", champion) }}
{{ scores.by_version("S", "CHALLENGER", challenger) }}
    {{ scores.alike() }}
    L.{{ label_column|identifier }} AS LABEL
FROM {{ identifier(database, 'SERVING', 'SCORED') }} AS S
JOIN {{ identifier(database, 'OPS', 'CHALLENGES') }} AS C ON C.RUN_ID = S.RUN_ID
LEFT JOIN (
{{ label }}
) AS L ON {% for column in key %}L.{{ column|identifier }} = S.{{ column|identifier }}{{ " AND " if not loop.last }}{% endfor %}

{{ scores.groups() }}
{{ scores.gone() }}
WHERE C.MODE = 'canary' AND C.ERROR IS NULL
    AND C.CHAMPION = {{ champion|literal }} AND C.CHALLENGER = {{ challenger|literal }}
{{- scores.newest() }}
ORDER BY MD5({% for column in key %}S.{{ column|identifier }}::VARCHAR{{ " || '|' || " if not loop.last }}{% endfor %}), {{ key|identifiers("S") }}
LIMIT {{ most }}
