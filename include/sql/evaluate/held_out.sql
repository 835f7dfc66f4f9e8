-- The held-out rows with their features, and the columns by which they are sliced, in the order of the key.
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
    T.{{ label|identifier }}
FROM {{ table }} AS T
{% if raw_slices %}
LEFT JOIN CHECKED AS S ON S.SNOWLOOP_REASON IS NULL
{% for column in key %}
    AND S.{{ column|identifier }} = T.{{ column|identifier }}
{% endfor %}
{% endif %}
WHERE T.IS_HOLDOUT
ORDER BY {{ key|identifiers("T") }}
