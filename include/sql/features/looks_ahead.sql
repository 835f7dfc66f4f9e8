-- features.sql over what had happened up to some moments: in how many rows each feature differs from that over all rows.
{% import "features/macros.sql" as macros %}
{% macro changed(feature) -%}
F.SNOWLOOP_THERE IS NULL OR ({{ macros.differs(feature, "F", "T") }})
{%- endmacro %}
{% include "features/queries.sql#clean_rows" %}
,
MOMENTS AS (
    SELECT PART, MAX(MOMENT) AS MOMENT
    FROM (
        SELECT M.MOMENT, NTILE({{ cuts|length + 1 }}) OVER (ORDER BY M.MOMENT) AS PART
        FROM (SELECT {{ event_time|identifier }}::TIMESTAMP_NTZ AS MOMENT FROM CLEAN) AS M
        WHERE M.MOMENT IS NOT NULL
    )
    GROUP BY PART
)
{% for cut in cuts %}
,
{{ cut.source }} AS (
    SELECT {{ columns|identifiers("C") }}
    FROM CLEAN AS C
    JOIN MOMENTS AS M ON M.PART = {{ loop.index }}
    WHERE NOT COALESCE(C.{{ event_time|identifier }}::TIMESTAMP_NTZ > M.MOMENT, FALSE)
),
FEATURES_{{ loop.index }} AS (
{{ cut.features }}
)
{% endfor %}

{% for cut in cuts %}
SELECT
    {% for feature in features %}
    COUNT_IF({{ changed(feature) }}) AS {{ ("F_" ~ loop.index)|identifier }},
    MIN(CASE WHEN {{ changed(feature) }}
        THEN {% for column in key %}T.{{ column|identifier }}::VARCHAR{{ " || ', ' || " if not loop.last }}{% endfor %} END) AS {{ ("K_" ~ loop.index)|identifier }},
    {% endfor %}
    COUNT(*) AS N
FROM {{ table }} AS T
JOIN {{ cut.source }} AS C ON {{ macros.same_key(key, "C", "T") }}
LEFT JOIN (SELECT *, TRUE AS SNOWLOOP_THERE FROM FEATURES_{{ loop.index }}) AS F ON {{ macros.same_key(key, "F", "T") }}
{{ "UNION ALL" if not loop.last }}
{% endfor %}
