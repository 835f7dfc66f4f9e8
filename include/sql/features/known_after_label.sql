-- features.sql over the rows as they are, and with some columns emptied: how many rows of each feature change.
{% import "features/macros.sql" as macros %}
{% include "features/queries.sql#clean_rows" %}
,
EMPTIED AS (
    SELECT
    {% for name, declared in columns.items() %}
        {{ "NULL::" ~ declared.type ~ " AS " if name in emptied }}{{ name|identifier }}{{ "," if not loop.last }}
    {% endfor %}
    FROM CLEAN
),
BEFORE AS (
{{ features_before }}
),
AFTER AS (
{{ features_after }}
)
SELECT
    {% for feature in features %}
    COUNT_IF(A.SNOWLOOP_THERE IS NULL OR ({{ macros.differs(feature, "A", "B") }})) AS {{ ("F_" ~ loop.index)|identifier }},
    {% endfor %}
    COUNT(*) AS N
FROM BEFORE AS B
LEFT JOIN (SELECT *, TRUE AS SNOWLOOP_THERE FROM AFTER) AS A
    ON {{ macros.same_key(key, "A", "B") }}
