{# Rows of another source that belong to each row of the source: those that keep the contract and were known before its event. #}
(
    SELECT
        {% for column in key %}
        R.{{ column|identifier }} AS {{ ("OF_" ~ column)|identifier }},
        {% endfor %}
        {{ joined.columns|identifiers("J") }}
    FROM {{ source }} AS R
    JOIN (SELECT * FROM {{ table }} AS S WHERE NOT {{ fails }}) AS J ON
    {% for left, right in joined.pairs %}
        J.{{ right|identifier }} = R.{{ left|identifier }} AND
    {% endfor %}
        {{ known }} < R.{{ joined.row_time|identifier }}::TIMESTAMP_NTZ
)
