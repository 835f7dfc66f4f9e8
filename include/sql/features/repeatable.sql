-- features.sql once more over the same rows: in how many of them each feature has another value than it was given.
WITH CHECKED AS (
{{ checked }}
),
CLEAN AS (
    SELECT {{ columns|identifiers }} FROM CHECKED WHERE SNOWLOOP_REASON IS NULL
),
FEATURE_ROWS AS (
{{ feature_rows }}
)
SELECT
    {% for feature in features %}
    COUNT_IF(F.{{ feature.name|identifier }}::{{ feature.type }} IS DISTINCT FROM T.{{ feature.name|identifier }})
        AS {{ ("F_" ~ loop.index)|identifier }},
    {% endfor %}
    COUNT(*) AS N
FROM {{ table }} AS T
JOIN FEATURE_ROWS AS F
    ON {% for column in key %}F.{{ column|identifier }} = T.{{ column|identifier }}{{ " AND " if not loop.last }}{% endfor %}

