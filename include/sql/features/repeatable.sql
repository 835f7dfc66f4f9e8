-- features.sql once more over the same rows: in how many of them each feature has another value than it was given.
{% import "features/other.sql" as compared %}
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
    COUNT_IF({{ compared.other(feature, "F", "T") }})
        AS {{ ("F_" ~ loop.index)|identifier }},
    {% endfor %}
    COUNT(*) AS N
FROM {{ table }} AS T
JOIN FEATURE_ROWS AS F
    ON {% for column in key %}F.{{ column|identifier }} = T.{{ column|identifier }}{{ " AND " if not loop.last }}{% endfor %}

