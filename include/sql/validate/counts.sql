-- One row: the number of rows, and for each check of the contract the number of rows that fail it.
SELECT
    COUNT(*) AS N,
    {% for count in counts %}
    {{ count }} AS {{ ("C_" ~ loop.index)|identifier }}{{ "," if not loop.last }}
    {% endfor %}
FROM {{ table }} AS S
