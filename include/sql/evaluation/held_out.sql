-- The held-out rows with their features, the columns by which they are sliced, their group or position in time, and
-- whether the champion and the reference were trained on them, in the order of the key.
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
    {% if dependent_by %}
    T.{{ dependent_by }},
    {% endif %}
    {% for rival in trained_on %}
    {{ ("W_" ~ rival)|identifier }}.IS_HOLDOUT IS NOT NULL AS {{ ("SNOWLOOP_TRAINED_" ~ rival)|identifier }},
    {% endfor %}
    T.{{ label|identifier }}
FROM {{ table }} AS T
{% for rival, table_of_rival in trained_on.items() %}
{% set w = ("W_" ~ rival)|identifier %}
LEFT JOIN {{ table_of_rival }} AS {{ w }} ON NOT {{ w }}.IS_HOLDOUT
{% for column in key %}
    AND {{ w }}.{{ column|identifier }} = T.{{ column|identifier }}
{% endfor %}
{% endfor %}
{% if raw_slices %}
LEFT JOIN CHECKED AS S ON S.SNOWLOOP_REASON IS NULL
{% for column in key %}
    AND S.{{ column|identifier }} = T.{{ column|identifier }}
{% endfor %}
{% endif %}
WHERE T.IS_HOLDOUT
ORDER BY {{ key|identifiers("T") }}
