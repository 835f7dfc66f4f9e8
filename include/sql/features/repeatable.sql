-- features.sql once more over the same rows: in how many of them each feature differs from the training set's.
{% import "features/macros.sql" as macros %}
{% include "features/queries.sql#clean_rows" %}
,
FEATURE_ROWS AS (
{{ feature_rows }}
)
SELECT
    {% for feature in features %}
    COUNT_IF({{ macros.differs(feature, "F", "T") }})
        AS {{ ("F_" ~ loop.index)|identifier }},
    {% endfor %}
    COUNT(*) AS N
FROM {{ table }} AS T
JOIN FEATURE_ROWS AS F ON {{ macros.same_key(key, "F", "T") }}
