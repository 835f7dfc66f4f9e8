-- How many seconds ago the newest row of a source was, by its own moment or by its load; NULL if there is none.
{% if column %}
SELECT DATEDIFF('second', MAX({{ column|identifier }})::TIMESTAMP_NTZ, SYSDATE()) AS AGE FROM {{ table }}
{% else %}
SELECT DATEDIFF('second', MAX(LOADED_AT), SYSDATE()) AS AGE
FROM {{ identifier(database, 'OPS', 'LOADS') }}
WHERE SOURCE = {{ source|literal }}
{% endif %}
