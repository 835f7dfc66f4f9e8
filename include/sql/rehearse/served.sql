-- What a version has said of rows whose label is known by now, and which it was not trained on.
WITH LABEL_ROWS AS (
{{ label_rows }}
)
SELECT L.{{ label|identifier }} AS LABEL, S.SCORE
FROM {{ identifier(database, 'SERVING', 'SCORED') }} AS S
JOIN LABEL_ROWS AS L
    ON {% for column in key %}L.{{ column|identifier }} = S.{{ column|identifier }}{{ " AND " if not loop.last }}{% endfor %}

LEFT JOIN {{ table }} AS T
    ON {% for column in key %}T.{{ column|identifier }} = S.{{ column|identifier }}{{ " AND " if not loop.last }}{% endfor %}

WHERE S.MODEL_VERSION = {{ version|literal }} AND S.SCORE IS NOT NULL AND L.{{ label|identifier }} IS NOT NULL
    AND T.{{ key[0]|identifier }} IS NULL
