{# Rows of a table with SNOWLOOP_REASON: why a row may not be used, or NULL. Of rows with one key the first is good. #}
SELECT
    {{ columns|identifiers("S") }},
    CASE
        WHEN {{ fails }} THEN {{ reason }}
        WHEN ROW_NUMBER() OVER (
            PARTITION BY {{ key|identifiers("S") }}, {{ fails }}
            ORDER BY {{ columns|identifiers("S") }}
        ) > 1 THEN 'duplicate key: another row of the table has it'
    END AS SNOWLOOP_REASON
FROM {{ table }} AS S
