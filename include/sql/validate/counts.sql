-- One row: the number of rows, and for each check of the contract the number of rows that fail it.
SELECT
    COUNT(*) AS N,
    {% for rule in rules %}
    COUNT_IF({{ rule.fails }}) AS {{ ("R_" ~ loop.index)|identifier }},
    {% endfor %}
    {% for columns in unique %}
    COUNT(*) - (
        SELECT COUNT(*) FROM (SELECT DISTINCT {{ columns|identifiers }} FROM {{ table }})
    ) AS {{ ("U_" ~ loop.index)|identifier }},
    {% endfor %}
    COUNT_IF({{ fails }}) AS FAILING
FROM {{ table }} AS S
