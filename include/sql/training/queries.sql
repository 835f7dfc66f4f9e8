-- name: training_rows
-- In the order of the key, so that equal training sets give equal models.
SELECT
    {% for feature in features %}
    {{ feature.name|identifier }},
    {% endfor %}
    {{ label|identifier }},
    {% for column in along %}
    {{ column|identifier }},
    {% endfor %}
    IS_HOLDOUT
FROM {{ table }}
ORDER BY {{ key|identifiers }}
