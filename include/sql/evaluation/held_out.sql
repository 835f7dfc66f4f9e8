-- The held-out rows with their features, the columns by which they are sliced, their group, and whether the champion
-- was trained on them, in the order of the key.
{% if raw_slices %}
WITH CHECKED AS (
{{ checked }}
)
{% endif %}
SELECT
    {% for feature in features %}
    T.{{ feature.name|identifier }},
    {% endfor %}
    {% for slice in slices %}
    {{ "S" if slice.raw else "T" }}.{{ slice.column|identifier }} AS {{ ("SLICE_" ~ loop.index0)|identifier }},
    {% endfor %}
    {% if groups %}
    T.SNOWLOOP_GROUP,
    {% endif %}
    {% if champion_trained_on %}
    W.IS_HOLDOUT IS NOT NULL AS SNOWLOOP_TRAINED_CHAMPION,
    {% endif %}
    T.{{ label|identifier }}
FROM {{ table }} AS T
{% if champion_trained_on %}
LEFT JOIN {{ champion_trained_on }} AS W ON NOT W.IS_HOLDOUT
{% for column in key %}
    AND W.{{ column|identifier }} = T.{{ column|identifier }}
{% endfor %}
{% endif %}
{% if raw_slices %}
LEFT JOIN CHECKED AS S ON S.SNOWLOOP_REASON IS NULL
{% for column in key %}
    AND S.{{ column|identifier }} = T.{{ column|identifier }}
{% endfor %}
{% endif %}
WHERE T.IS_HOLDOUT
ORDER BY {{ key|identifiers("T") }}
