-- Features and label of every row that keeps the contract and has a label; IS_HOLDOUT marks the rows that only evaluate.
CREATE TABLE {{ table }} AS
{% include "features/queries.sql#feature_and_label_rows" %}

SELECT
    {{ key|identifiers("F") }},
    {% for feature in feature_columns %}
    F.{{ feature.name|identifier }}::{{ feature.type }} AS {{ feature.name|identifier }},
    {% endfor %}
    L.{{ label_column|identifier }}::{{ label_type }} AS {{ label_column|identifier }},
    {% if split.by == "group" %}
    C.{{ split.column|identifier }}::VARCHAR AS SNOWLOOP_GROUP,
    {% endif %}
    {% if split.by == "order" %}
    ROW_NUMBER() OVER (ORDER BY C.{{ split.order_by|identifier }}, {{ key|identifiers("C") }}) AS SNOWLOOP_ORDER,
    ROW_NUMBER() OVER (ORDER BY C.{{ split.order_by|identifier }}, {{ key|identifiers("C") }})
        > COUNT(*) OVER () * {{ 1 - split.holdout }} AS IS_HOLDOUT
    {% elif split.by == "time" %}
    {% if known_moment %}
    DATEDIFF('millisecond', '1970-01-01'::TIMESTAMP_NTZ, C.{{ event_time|identifier }}::TIMESTAMP_NTZ)::FLOAT AS SNOWLOOP_EVENT_TIME,
    DATEDIFF('millisecond', '1970-01-01'::TIMESTAMP_NTZ, {{ known_moment }})::FLOAT AS SNOWLOOP_KNOWN_AT,
    {% endif %}
    RANK() OVER (ORDER BY C.{{ event_time|identifier }} NULLS FIRST) AS SNOWLOOP_ORDER,
    RANK() OVER (ORDER BY C.{{ event_time|identifier }} NULLS FIRST) > COUNT(*) OVER () * {{ 1 - split.holdout }} AS IS_HOLDOUT
    {% else %}
    {% set hashed = ["C." ~ split.column|identifier] if split.by == "group" else key_of_features %}
    SUBSTR(MD5({% for column in hashed %}{{ column }}::VARCHAR{{ " || '|' || " if not loop.last }}{% endfor %}), 1, 4)
        < {{ "%04x"|format((split.holdout * 65536)|int)|literal }} AS IS_HOLDOUT
    {% endif %}
{% include "features/queries.sql#joined_rows" %}

WHERE L.{{ label_column|identifier }} IS NOT NULL AND {{ known }}
