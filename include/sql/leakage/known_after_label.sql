-- features.sql over the rows as they are, and with one column emptied: how many rows of each feature change.
{% import "features/other.sql" as compared %}
WITH CHECKED AS (
{{ checked }}
),
CLEAN AS (
    SELECT {{ columns|identifiers }} FROM CHECKED WHERE SNOWLOOP_REASON IS NULL
),
EMPTIED AS (
    SELECT
    {% for name, declared in columns.items() %}
        {{ "NULL::" ~ declared.type ~ " AS " if name == column }}{{ name|identifier }}{{ "," if not loop.last }}
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
    COUNT_IF(A.SNOWLOOP_THERE IS NULL OR ({{ compared.other(feature, "A", "B") }})) AS {{ ("F_" ~ loop.index)|identifier }},
    {% endfor %}
    COUNT(*) AS N
FROM BEFORE AS B
LEFT JOIN (SELECT *, TRUE AS SNOWLOOP_THERE FROM AFTER) AS A
    ON {% for key_column in key %}A.{{ key_column|identifier }} = B.{{ key_column|identifier }}{{ " AND " if not loop.last }}{% endfor %}
