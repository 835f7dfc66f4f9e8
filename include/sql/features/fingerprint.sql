-- The state of the data in one number: the order of rows does not matter, every value does (hashed twice:
-- if the last value only flips bits of the hash, an even number of equal changes would cancel out).
SELECT
    COUNT(*) AS N,
    COUNT_IF(IS_HOLDOUT) AS HELD_OUT,
    COUNT(DISTINCT {{ key|identifiers }}) AS KEYS,
    BITXOR_AGG(HASH(HASH({{ columns|identifiers }}, IS_HOLDOUT)))::VARCHAR AS CONTENT,
    {% if classes %}
    COUNT_IF({{ label_column|identifier }} NOT IN ({% include "features/classes.sql" %})) AS UNKNOWN
    {% else %}
    0 AS UNKNOWN
    {% endif %}
FROM {{ table }}
